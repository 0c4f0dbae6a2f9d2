import { type ApiSettings, apiModel } from '../../providers/api/client.ts'
import { PROVIDERS } from '../../providers/api/presets.ts'
import { type Generator, type GeneratorSettings, generatorOf } from '../../providers/generator.ts'
import { Account, metered, type Prices } from '../../providers/spending.ts'
import type { FakeProvider } from './fake-provider.ts'

/** What a test changes of `providerGenerator`. */
export type ProviderChanges = Partial<ApiSettings & GeneratorSettings & { prices: Prices }>

/** For tests: a model of a fake provider as a generator. */
export function providerGenerator(server: FakeProvider, changes: ProviderChanges = {}): Generator {
  const { maxTokens = 100, temperature = 0.5, prices, onFailure = () => {}, ...settings } = changes
  const account = new Account(prices ?? null)
  const model = apiModel({
    provider: { ...PROVIDERS.openai!, ...PROVIDERS.openai!.elsewhere },
    model: 'm',
    baseUrl: server.baseUrl,
    keyVariable: null,
    limits: { first: 2, idle: 2, whole: 4 },
    retry: { tries: 3, firstWait: 0.01, patience: 1 },
    ...settings,
    onFailure(line) {
      account.failed++
      onFailure(line)
    },
  })
  return generatorOf(metered(model, account), { maxTokens, temperature })
}

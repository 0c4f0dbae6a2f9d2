import type { Truncation } from '../../engines/contract.ts'
import type { EngineName } from '../../engines/open.ts'
import { modelFolder } from '../../hub/find-model.ts'
import { cachedGenerator } from '../../providers/cache.ts'
import type { Generator, Prices } from '../../providers/generator.ts'
import { localGenerator } from '../../providers/local.ts'
import { keyOf, openAiGenerator } from '../../providers/openai.ts'
import type { TemplateSettings } from '../../renderer/chat-template.ts'
import { openRole, type RoleName } from '../../tasks/roles.ts'

/** Which generator to open: rules by name, a local model, or a provider's model. */
export type GeneratorSpec = RoleName | LocalSpec | ProviderSpec

interface LocalSpec extends Truncation {
  readonly model: string
  readonly maxTokens: number
  readonly temperature: number
}

/** See `OpenAiSettings`. */
interface ProviderSpec {
  readonly baseUrl: string
  readonly model: string
  readonly keyVariable: string | null
  readonly maxTokens: number | null
  readonly temperature: number | null
  readonly concurrency: number
  readonly timeout: number
  readonly prices: Prices | null
}

export interface GeneratorOptions {
  /** SQLite file that caches the replies of models: a resumed run requests no reply twice. */
  readonly file: string
  /** Where a local model is computed. */
  readonly engine: EngineName
  /** Arguments and date of its chat template. */
  readonly chat: TemplateSettings
  readonly threads: number
  /** Called with progress and with failed attempts, one line each. */
  readonly notice: (line: string) => void
  /** When aborted, no further requests are sent to a provider. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens a generator.
 *
 * @throws UserError if the model cannot be found or read, or the cache of replies cannot be used.
 */
export async function openGenerator(spec: GeneratorSpec, options: GeneratorOptions): Promise<Generator> {
  if (typeof spec === 'string') return openRole(spec)
  const generator = 'baseUrl' in spec ? openProvider(spec, options) : await openLocal(spec, options)
  try {
    return cachedGenerator(generator, options.file)
  } catch (error) {
    await generator.close()
    throw error
  }
}

/**
 * Checks that generators can be opened, without loading a model or sending a request. Resolves to the folders of those that
 * are models on this machine.
 *
 * @throws UserError if a model cannot be found, or a provider's key is not set.
 */
export async function checkGenerators(
  specs: readonly GeneratorSpec[],
  { notice }: Pick<GeneratorOptions, 'notice'>,
): Promise<string[]> {
  const folders: string[] = []
  for (const spec of specs) {
    if (typeof spec === 'string') continue
    if ('baseUrl' in spec) keyOf(spec.keyVariable)
    else folders.push(await modelFolder(spec.model, notice))
  }
  return folders
}

function openProvider(
  { prices, ...settings }: ProviderSpec,
  { notice, signal }: GeneratorOptions,
): Generator {
  return openAiGenerator({ ...settings, ...(prices ? { prices } : {}), notice, signal })
}

async function openLocal(
  { model, ...sampling }: LocalSpec,
  { engine, threads, chat, notice }: GeneratorOptions,
): Promise<Generator> {
  const folder = await modelFolder(model, notice)
  return localGenerator({ model: folder, engine, threads, chat, ...sampling })
}

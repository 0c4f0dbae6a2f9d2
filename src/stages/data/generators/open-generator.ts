import type { EngineName } from '../../../engines/open.ts'
import { modelFolder } from '../../../hub/find-model.ts'
import { cachedGenerator } from '../../../providers/cache.ts'
import { type Generator, generatorOf } from '../../../providers/generator.ts'
import { checkProvider, openModel, readModelName } from '../../../providers/open-model.ts'
import type { Prices } from '../../../providers/spending.ts'
import type { TemplateSettings } from '../../../renderer/chat-template.ts'
import { openRole, type RoleName } from '../../../tasks/miniature/roles.ts'

/** Which generator to open: rules by name, or a model with its settings. */
export type GeneratorSpec = RoleName | ModelSpec

interface ModelSpec {
  /** A local model or `PROVIDER:NAME`; with a `baseUrl`, the name that the endpoint has for it. */
  readonly model: string
  readonly maxTokens: number | null
  readonly temperature: number | null
  readonly topP?: number | null
  readonly topK?: number | null
  readonly minP?: number | null
  readonly effort?: string | null
  /** Address of an endpoint in OpenAI's format. */
  readonly baseUrl?: string
  readonly keyVariable?: string | null
  readonly concurrency?: number
  /** Longest time for one reply, in seconds. */
  readonly timeout?: number
  readonly prices?: Prices | null
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
  const { maxTokens, temperature, topK, topP, minP, effort, timeout, ...rest } = spec
  const { engine, threads, chat, notice, signal, file } = options
  const model = await openModel(nameOf(spec), {
    ...rest,
    ...(timeout === undefined ? {} : { limits: { first: timeout, whole: timeout } }),
    engine,
    threads,
    chat,
    template: 'chat',
    notice,
    signal,
  })
  try {
    return cachedGenerator(generatorOf(model, { maxTokens, temperature, topK, topP, minP, effort }), file)
  } catch (error) {
    await model.close()
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
    const name = readModelName(nameOf(spec))
    if (name.kind === 'provider') checkProvider(name.provider, spec)
    else folders.push(await modelFolder(name.name, notice))
  }
  return folders
}

/** A model at an address of its own speaks OpenAI's format. */
const nameOf = ({ baseUrl, model }: ModelSpec): string => (baseUrl === undefined ? model : `openai:${model}`)

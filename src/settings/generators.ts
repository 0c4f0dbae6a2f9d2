import { z } from 'zod'
import { modelFolder } from '../hub/find-model.ts'
import { cachedGenerator } from '../providers/cache.ts'
import type { Generator } from '../providers/generator.ts'
import { localGenerator } from '../providers/local.ts'
import { openAiGenerator } from '../providers/openai.ts'
import { assistant } from '../tasks/miniature/world/index.ts'

/** A model of a provider. */
export const providerSettings = z.strictObject({
  /** Address of an endpoint of OpenAI's shape, up to `/chat/completions`. */
  baseUrl: z.url(),
  model: z.string().min(1),
  /** Name of the environment variable that holds the key. */
  keyVariable: z.string().min(1).nullable().default(null),
  maxTokens: z.int().min(1).nullable().default(null),
  temperature: z.number().min(0).nullable().default(null),
  concurrency: z.int().min(1).default(8),
  timeout: z.number().positive().default(600),
})

/** Who rewrites, judges and labels. */
export const generatorSettings = z.union([
  /** Rules that know the miniature's world, in the place of a model. */
  z.literal('miniature'),
  z.strictObject({
    /** A model of this machine. */
    model: z.string().min(1),
    maxTokens: z.int().min(1).default(4096),
    temperature: z.number().min(0).default(0.6),
  }),
  providerSettings,
])
export type GeneratorSettings = z.output<typeof generatorSettings>

/** Opens a generator. Replies of models are kept in `file`, so that a run that is resumed asks nothing twice. */
export async function openGenerator(
  settings: GeneratorSettings,
  {
    file,
    threads,
    notice,
    signal,
  }: {
    file: string
    threads: number
    notice: (line: string) => void
    /** Raised: a provider is asked nothing more. */
    signal?: AbortSignal | undefined
  },
): Promise<Generator> {
  if (settings === 'miniature') return assistant()
  if ('baseUrl' in settings) return cachedGenerator(openAiGenerator({ ...settings, notice, signal }), file)
  const model = await modelFolder(settings.model, notice)
  return cachedGenerator(await localGenerator({ ...settings, model, threads }), file)
}

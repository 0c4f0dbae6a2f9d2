import { z } from 'zod'
import { readModelName } from '../providers/open-model.ts'
import { roleNames } from '../tasks/miniature/roles.ts'
import { temperatureSetting, truncationSettings } from './fields.ts'

/** A name such as `deepseek:deepseek-chat`. @throws UserError that suggests the nearest one if there is no such provider. */
const providerName = z.string().refine((name) => readModelName(name).kind === 'provider', { abort: true })

const price = z.number().min(0)

/** What the requests to a provider are like. */
const requests = {
  maxTokens: z.int().min(1).nullable().default(null),
  temperature: z.number().min(0).nullable().default(null),
  concurrency: z.int().min(1).default(8),
  /** Longest time for one reply, in seconds. */
  timeout: z.number().positive().default(600),
  /** Prices per million tokens, to compute the cost; null: the cost is unknown. */
  prices: z
    .strictObject({ prompt: price, cachedPrompt: price.optional(), completion: price })
    .nullable()
    .default(null),
}

/** A model at an address. */
const addressSettings = z.strictObject({
  /** Address of an endpoint in OpenAI's format, up to `/chat/completions`. */
  baseUrl: z.url(),
  model: z.string().min(1),
  /** Name of the environment variable that holds the key. */
  keyVariable: z.string().min(1).nullable().default(null),
  ...requests,
})

/** A model of a provider that has a name. */
const namedSettings = z.strictObject({
  model: providerName,
  ...requests,
  topP: z.number().gt(0).max(1).nullable().default(null),
  topK: z.int().min(1).nullable().default(null),
  minP: z.number().min(0).max(1).nullable().default(null),
  /** How much to think, in the provider's words; null leaves it to the provider. */
  effort: z.string().min(1).nullable().default(null),
})

/** A provider's model: `PROVIDER:NAME` alone, with its settings, or an address; `more`: further settings of whoever uses it. */
export const providerSettings = <Shape extends z.ZodRawShape>(more: Shape) =>
  z.union([
    addressSettings.extend(more),
    providerName.transform((model) => namedSettings.extend(more).parse({ model })),
    namedSettings.extend(more),
  ])

/** A model, or rules, that rewrites, judges and labels. */
export const generatorSettings = z.union(
  [
    /** Rules that know the questions of a task, instead of a model. */
    z.enum(roleNames),
    providerSettings({}),
    z
      .strictObject({
        /** A local model: a folder, a run, or a model of the hub. */
        model: z.string().min(1),
        maxTokens: z.int().min(1).default(4096),
        temperature: temperatureSetting.default(0.6),
        ...truncationSettings,
      })
      .refine(
        ({ temperature, topK, topP, minP }) => temperature > 0 || (topK === 0 && topP === 1 && minP === 0),
        {
          error:
            'topK, topP and minP have no effect on greedy sampling: leave them out, or set a temperature above 0',
        },
      ),
  ],
  {
    error: `expected rules (${roleNames.join(', ')}), a provider's model (PROVIDER:NAME), or a mapping with a model's name such as {model: NAME}`,
  },
)

import { z } from 'zod'
import { roleNames } from '../tasks/roles.ts'
import { temperatureSetting, truncationSettings } from './fields.ts'

const price = z.number().min(0)

/** A model of a provider (an API). */
export const providerSettings = z.strictObject({
  /** Address of an endpoint in OpenAI's format, up to `/chat/completions`. */
  baseUrl: z.url(),
  model: z.string().min(1),
  /** Name of the environment variable that holds the key. */
  keyVariable: z.string().min(1).nullable().default(null),
  maxTokens: z.int().min(1).nullable().default(null),
  temperature: z.number().min(0).nullable().default(null),
  concurrency: z.int().min(1).default(8),
  /** Longest time for one reply, in seconds. */
  timeout: z.number().positive().default(600),
  /** Prices per million tokens, to compute the cost; null: the cost is unknown. */
  prices: z.strictObject({ prompt: price, completion: price }).nullable().default(null),
})

/** A model, or rules, that rewrites, judges and labels. */
export const generatorSettings = z.union([
  /** Rules that know the questions of a task, instead of a model. */
  z.enum(roleNames),
  z.strictObject({
    /** A local model: a folder, a run, or a model of the hub. */
    model: z.string().min(1),
    maxTokens: z.int().min(1).default(4096),
    temperature: temperatureSetting.default(0.6),
    ...truncationSettings,
  }),
  providerSettings,
])

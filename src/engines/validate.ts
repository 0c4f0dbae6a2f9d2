import { hasKlCov, needsReference, type Objective } from '../algorithms/objectives.ts'
import { PromptTooLong, UserError } from '../common/errors.ts'
import { plural } from '../common/words.ts'
import type { ModelConfig } from '../models/config.ts'
import { checkSampleOptions } from './checks.ts'
import type { Comparison, Datum, SampleOptions } from './contract.ts'

/* Checks of the data that an engine is given, made before anything is computed or sent. */

/** @throws Error for a datum that does not fit the model. */
export function checkDatums(
  datums: readonly Pick<Datum, 'tokens' | 'targets' | 'weights'>[],
  config: ModelConfig,
): void {
  for (const [i, { tokens, targets, weights }] of datums.entries()) {
    const what = `datum ${i}`
    checkTokens(what, tokens, config)
    if (targets.length !== tokens.length || weights.length !== tokens.length)
      throw new Error(`${what}: tokens, targets and weights differ in length`)
    const target = targets.find((id, t) => weights[t] !== 0 && !inVocabulary(id, config))
    if (target !== undefined) throw new Error(`${what}: ${outside('target', target, config)}`)
  }
}

/** @throws Error for a datum without an array that the objective needs, or datums that are not pairs where it needs them. */
export function checkForObjective(datums: readonly Datum[], objective: Objective): void {
  const needed = neededBy(objective)
  for (const [i, datum] of datums.entries())
    for (const name of needed) {
      const values = datum[name]
      if (!values) throw new Error(`datum ${i} has no ${name}, which this objective needs`)
      if (values.length !== datum.tokens.length)
        throw new Error(`datum ${i}: tokens and ${name} differ in length`)
    }
  if (objective.kind === 'dpo') checkPairs(datums)
}

const neededBy = (objective: Objective) => [
  ...(objective.kind === 'policy' ? (['logprobs', 'advantages'] as const) : []),
  ...(needsReference(objective) ? (['reference'] as const) : []),
  ...(hasKlCov(objective) ? (['marked'] as const) : []),
]

/** @throws Error unless the datums are pairs of answers, each with one weight above 0. */
function checkPairs(datums: readonly Datum[]): void {
  if (datums.length % 2 === 1)
    throw new Error(`${datums.length} datums are not pairs of a chosen and a rejected answer`)
  for (let i = 0; i < datums.length; i += 2) {
    const [chosen, rejected] = [datums[i]!, datums[i + 1]!].map(({ weights }) =>
      [...new Set(weights)].filter((w) => w !== 0),
    )
    if (chosen!.length !== 1 || rejected!.length !== 1 || chosen![0] !== rejected![0])
      throw new Error(
        `datums ${i} and ${i + 1}: the positions of a pair must have one weight other than 0, the same for both`,
      )
  }
}

/** @throws Error for a text that does not fit the model. */
export function checkTexts(texts: readonly Int32Array[], config: ModelConfig): void {
  for (const [i, tokens] of texts.entries()) checkTokens(`text ${i}`, tokens, config)
}

/** @throws Error for a comparison without texts, or with a text that does not fit the model. */
export function checkComparisons(comparisons: readonly Comparison[], config: ModelConfig): void {
  for (const [i, { texts }] of comparisons.entries()) {
    if (texts.length === 0) throw new Error(`comparison ${i} has no texts`)
    for (const { tokens } of texts) checkTokens(`comparison ${i}: a text`, tokens, config)
  }
}

/** @throws Error for a prompt or options that do not fit the model. */
export function checkRequest(
  prompt: Int32Array,
  options: SampleOptions,
  { config, tokenizer }: { readonly config: ModelConfig; readonly tokenizer: boolean },
): void {
  checkSampleOptions(options)
  const { maxTokens, stop = [] } = options
  if (prompt.length === 0) throw new Error('sample: the prompt is empty; give at least one token')
  if (prompt.length + maxTokens > config.maxPositions)
    throw new PromptTooLong(
      `the prompt's ${plural(prompt.length, 'token')} and up to ${plural(maxTokens, 'new one')} exceed the model's ${plural(config.maxPositions, 'position')}: lower the longest response (--max-tokens, rl.maxTokens)`,
    )
  checkTokens('the prompt', prompt, config)
  if (stop.length > 0 && !tokenizer)
    throw new Error('sample: stop strings need a tokenizer; this model was opened without one')
}

function checkTokens(what: string, tokens: Int32Array, config: ModelConfig): void {
  if (tokens.length === 0) throw new Error(`${what} has no tokens`)
  if (tokens.length > config.maxPositions)
    throw new Error(
      `${what} has ${plural(tokens.length, 'token')}; the model has ${plural(config.maxPositions, 'position')}`,
    )
  const token = tokens.find((id) => !inVocabulary(id, config))
  if (token !== undefined) throw new UserError(`${what}: ${outside('token', token, config)}`)
}

const inVocabulary = (id: number, { vocabSize }: ModelConfig): boolean => id >= 0 && id < vocabSize
const outside = (what: string, id: number, { vocabSize }: ModelConfig): string =>
  `${what} ${id} is not in the vocabulary, 0 to ${vocabSize - 1}`

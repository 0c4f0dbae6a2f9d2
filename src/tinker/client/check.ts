import type { Datum, LossName, Tensor } from '../protocol/index.ts'
import { TinkerError } from './errors.ts'

/*
 * What servers take without a word and compute nonsense from: no data (a future that never ends), token ids outside the
 * vocabulary (NaN), targets that are too short (padded with token 0), missing weights (1, also for the prompt) and missing
 * log-probs (0).
 */

/** What each loss reads besides `target_tokens`; other names are refused, `weights` aside. */
const INPUTS: Readonly<Record<LossName, readonly string[]>> = {
  cross_entropy: ['weights'],
  importance_sampling: ['logprobs', 'advantages'],
  ppo: ['logprobs', 'advantages'],
  cispo: ['logprobs', 'advantages'],
  gspo: ['logprobs', 'advantages'],
  dppo: ['logprobs', 'advantages'],
  dro: ['logprobs', 'advantages'],
  ppo_critic: ['values', 'returns'],
}
const CLIP = ['clip_low_threshold', 'clip_high_threshold']
const CONFIG: Readonly<Record<LossName, readonly string[]>> = {
  cross_entropy: [],
  importance_sampling: [],
  ppo: [...CLIP, 'value_clip'],
  cispo: CLIP,
  gspo: CLIP,
  dppo: CLIP,
  dro: ['beta'],
  ppo_critic: ['value_clip'],
}

export interface Limits {
  /** Number of token ids; null if unknown. */
  readonly vocabulary: number | null
  /** Longest sequence in tokens; null if unknown. */
  readonly maxTokens: number | null
}

/**
 * Checks a batch before it is sent.
 *
 * @throws TinkerError that names the datum.
 */
export function checkData(
  data: readonly Datum[],
  loss: LossName,
  config: Readonly<Record<string, number>>,
  limits: Limits,
): void {
  if (!Object.hasOwn(INPUTS, loss))
    throw refused(`there is no loss ${loss}: use ${Object.keys(INPUTS).join(', ')}`)
  for (const [key, value] of Object.entries(config)) {
    const known = CONFIG[loss]
    if (!known.includes(key))
      throw refused(
        `${loss} has no setting ${key}${known.length > 0 ? `: its settings are ${known.join(', ')}` : ''}`,
      )
    if (!Number.isFinite(value)) throw refused(`${key} of ${loss} must be a finite number, not ${value}`)
  }
  if (data.length === 0) throw refused('there is no datum to compute a loss of')
  for (const [i, { model_input, loss_fn_inputs }] of data.entries()) {
    const of = (name: string) => `${name} of datum ${i}`
    const length = checkTokens(
      model_input.chunks.map(({ tokens }) => tokens),
      `datum ${i}`,
      limits,
    )
    const targets = required(loss_fn_inputs, 'target_tokens', of)
    if (targets.dtype !== 'int64' && targets.dtype !== 'int32')
      throw refused(`${of('target_tokens')} must be int64, not ${targets.dtype}`)
    sameLength(targets, length, of('target_tokens'))
    if (targets.shape.length === 1) checkTokens([targets.data], of('target_tokens'), limits)
    for (const name of INPUTS[loss]) {
      const values = required(loss_fn_inputs, name, of)
      sameLength(values, length, of(name))
      finite(values, of(name))
    }
    for (const [name, values] of Object.entries(loss_fn_inputs)) {
      if (name === 'target_tokens' || INPUTS[loss].includes(name)) continue
      if (name !== 'weights') throw refused(`${loss} does not read ${of(name)}`)
      sameLength(values, length, of(name))
      finite(values, of(name))
    }
  }
}

/**
 * Checks token ids, in one list or several that follow one another.
 *
 * @returns how many they are.
 * @throws TinkerError for none, too many, and ids that the model does not have.
 */
export function checkTokens(
  chunks: readonly ArrayLike<number>[],
  what: string,
  { vocabulary, maxTokens }: Limits,
): number {
  const length = chunks.reduce((sum, tokens) => sum + tokens.length, 0)
  if (length === 0) throw refused(`${what} has no tokens`)
  if (maxTokens !== null && length > maxTokens)
    throw refused(`${what} has ${length} tokens; the model takes at most ${maxTokens}`)
  for (const tokens of chunks)
    for (let t = 0; t < tokens.length; t++) {
      const id = tokens[t]!
      if (!Number.isInteger(id) || id < 0 || (vocabulary !== null && id >= vocabulary))
        throw refused(
          `${what} has the token ${id}, which is outside the vocabulary${vocabulary === null ? '' : ` of ${vocabulary} tokens`}`,
        )
    }
  return length
}

function required(
  inputs: Readonly<Record<string, Tensor>>,
  name: string,
  of: (name: string) => string,
): Tensor {
  const tensor = inputs[name]
  if (tensor === undefined) throw refused(`${of(name)} is missing`)
  return tensor
}

function sameLength({ data, shape }: Tensor, length: number, what: string): void {
  if (shape.reduce((size, n) => size * n, 1) !== data.length)
    throw refused(`${what} has ${data.length} values, which do not fit its shape [${shape.join(', ')}]`)
  if ((shape[0] ?? 0) !== length) throw refused(`${what} has ${shape[0] ?? 0} values for ${length} tokens`)
}

function finite({ data }: Tensor, what: string): void {
  for (let t = 0; t < data.length; t++)
    if (!Number.isFinite(data[t])) throw refused(`${what} has the value ${data[t]} at position ${t}`)
}

const refused = (message: string) => new TinkerError(message, 'request')

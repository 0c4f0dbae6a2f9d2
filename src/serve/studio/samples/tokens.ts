import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../../common/errors.ts'
import { Tokenizer } from '../../../models/tokenizer/tokenizer.ts'
import { entropiesIn } from '../../../runs/rows.ts'
import type { RunStore } from '../../../runs/store.ts'
import { modelOf } from '../../../runs/store.ts'
import { hasColumn } from './sample.ts'

/** A token of a response. */
export interface SampleToken {
  readonly text: string
  /** log π of the sampler, in nats, at the temperature of the sampling; null if unknown. */
  readonly logprob: number | null
  /** The policy's entropy there, in nats, as the response was trained on; null if it was not, or it is unknown. */
  readonly entropy: number | null
  /** That of the response: every token of it has the same. */
  readonly advantage: number | null
}

/** The tokens of a response; null, with the reason, where no tokenizer of the run can be read. */
export interface SampleTokens {
  readonly tokens: readonly SampleToken[] | null
  readonly tokensProblem: string | null
}

/** Tokenizers that stay loaded. */
const LOADED = 3
const loaded = new Map<string, Tokenizer>()

/** The tokens of a response, as text, with their log-probs. */
export function tokensOf(store: RunStore, id: number): SampleTokens {
  const entropiesOf = hasColumn(store, 'entropies') ? 'entropies' : 'NULL AS entropies'
  const [row] = store.select<{
    tokens: ArrayBuffer
    logprobs: ArrayBuffer
    entropies: ArrayBuffer | null
    advantage: number | null
  }>(`SELECT tokens, logprobs, ${entropiesOf}, advantage FROM rollouts WHERE id = ?`, id)
  const entropies = row!.entropies === null ? null : entropiesIn(row!.entropies)
  const ids = new Int32Array(new Uint8Array(row!.tokens).buffer)
  const logprobs = new Float32Array(new Uint8Array(row!.logprobs).buffer)
  try {
    const stream = tokenizerOf(store).stream()
    const texts = [...ids].map((token) => stream.push(token))
    // bytes that are no character yet belong to the last token
    if (texts.length > 0) texts[texts.length - 1] += stream.end()
    return {
      tokens: texts.map((text, t) => ({
        text,
        logprob: known(logprobs[t]),
        entropy: known(entropies?.[t]),
        advantage: row!.advantage,
      })),
      tokensProblem: null,
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { tokens: null, tokensProblem: error.message }
  }
}

const known = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) ? null : value

/** The tokenizer of the model that a run trains: that of the trained model, of a checkpoint, or of the base. */
function tokenizerOf(store: RunStore): Tokenizer {
  const [{ settings }] = store.select<{ settings: string }>('SELECT settings FROM run') as [
    { settings: string },
  ]
  const { model } = JSON.parse(settings) as { readonly model?: unknown }
  const folders = [
    modelOf(store.directory),
    ...store.checkpoints().map(({ path }) => path),
    ...(typeof model === 'string' ? [model] : []),
  ]
  const folder = folders.find((one) => existsSync(join(one, 'tokenizer.json')))
  if (folder === undefined)
    throw new UserError(
      typeof model === 'string'
        ? `the tokens cannot be shown: ${model} has no tokenizer on this machine`
        : 'the tokens cannot be shown: the run names no model',
    )
  const known = loaded.get(folder) ?? Tokenizer.load(folder)
  loaded.delete(folder)
  loaded.set(folder, known)
  for (const other of loaded.keys()) if (loaded.size > LOADED) loaded.delete(other)
  return known
}

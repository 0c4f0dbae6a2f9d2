import { createHash } from 'node:crypto'
import { UserError } from '../../common/errors.ts'
import { plural } from '../../common/words.ts'
import { loadConfig } from '../../models/checkpoint/directory.ts'
import { LeftOutRows } from '../../tasks/left-out.ts'

/** Rows read from a file, a folder or a dataset. */
interface Rows<R> {
  readonly training: readonly R[]
  readonly heldOut: readonly R[]
  /** Rows left out of training because they are also held out. */
  readonly repeated: number
  /** Rows left out because they could not be read as examples. */
  readonly unusable: number
}

/** Rows as tokens, ready for training. */
export interface Examples<E> {
  readonly training: readonly E[]
  readonly heldOut: readonly E[]
  /** Examples left out because they are longer than the limit. */
  readonly overlong: number
  readonly repeated: number
  /** Rows left out because they could not be read, or because something in them would not be learned. */
  readonly unusable: number
  /** SHA-256 of all training and held-out examples. */
  readonly hash: string
}

interface Encoding<R, E> {
  /** Source of the rows, for messages. */
  readonly data: string
  /** Longest text of an example, in tokens. Longer examples are left out and counted, never truncated. */
  readonly maxLength: number
  /** The examples of a row, at least one. Throws a `UserError` for a row that cannot be used. */
  readonly encode: (row: R) => readonly E[]
  /** What rows on both sides have in common, for the message about those that are left out of training. */
  readonly heldOutBy: 'questions' | 'prompts'
  /** Tokens of an example's longest text. */
  readonly lengthOf: (example: E) => number
  /** The parts of an example that are hashed. */
  readonly hashed: (example: E) => readonly (NodeJS.ArrayBufferView | string)[]
  readonly warn: (message: string) => void
  readonly progress: (line: string) => void
}

/** @throws UserError if the model has fewer than `maxLength` positions. */
export function checkMaxLength({ model, maxLength }: { model: string; maxLength: number }): void {
  const { maxPositions } = loadConfig(model)
  if (maxLength > maxPositions)
    throw new UserError(
      `setting maxLength is ${maxLength}: ${model} takes at most ${plural(maxPositions, 'token')}; set maxLength=${maxPositions} or less`,
      2,
    )
}

/**
 * Encodes rows, and leaves out rows that cannot be encoded and examples that are too long, with a warning that names the
 * first ones.
 *
 * @throws UserError if no training example or no held-out example is left.
 */
export function encodeRows<R extends { readonly where: string }, E>(
  rows: Rows<R>,
  { data, maxLength, encode, heldOutBy, lengthOf, hashed, warn, progress }: Encoding<R, E>,
): Examples<E> {
  const leftOut = new LeftOutRows()
  let overlong = 0
  const encodeAll = (name: string, all: readonly R[]): E[] =>
    all.flatMap((row, i) => {
      if (i % 1000 === 0) progress(`encoding the ${name} rows: ${Math.floor((100 * i) / all.length)} %`)
      try {
        const examples = encode(row)
        const short = examples.filter((example) => lengthOf(example) <= maxLength)
        overlong += examples.length - short.length
        return short
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        leftOut.add(row.where, error.message)
        return []
      }
    })
  const training = encodeAll('training', rows.training)
  const heldOut = encodeAll('held-out', rows.heldOut)
  const all = rows.training.length + rows.heldOut.length
  const { count, first } = leftOut
  if (count === all)
    throw new UserError(`${data}: none of its ${plural(all, 'row')} can be learned; the first: ${first}`)
  const cannot =
    first === null ? '' : `; ${count} of ${plural(all, 'row')} cannot be learned; the first: ${first}`
  if (training.length === 0 || heldOut.length === 0)
    throw new UserError(
      `${data}: only ${plural(training.length, 'training row')} and ${plural(heldOut.length, 'held-out row')} have at most ${plural(maxLength, 'token')}, and both are needed; set a higher maxLength${cannot}`,
    )
  if (first !== null) warn(`${data}: ${leftOut.paragraph(all)}`)
  const total = training.length + heldOut.length + overlong
  if (overlong > 0)
    warn(
      `${overlong} of ${plural(total, total === all - count ? 'row' : 'answer')} ${overlong === 1 ? 'is left out, since it is' : 'are left out, since they are'} longer than maxLength (${plural(maxLength, 'token')})`,
    )
  if (rows.repeated > 0)
    warn(
      `${plural(rows.repeated, 'training row is', 'training rows are')} left out, since their ${heldOutBy} are also held out`,
    )
  const hash = createHash('sha256')
  for (const example of [...training, ...heldOut]) for (const piece of hashed(example)) hash.update(piece)
  return {
    training,
    heldOut,
    overlong,
    repeated: rows.repeated,
    unusable: rows.unusable + count,
    hash: hash.digest('hex'),
  }
}

/** @throws UserError if the data of a resumed run has changed since the run started. */
export function checkSameData(
  { hash }: Examples<unknown>,
  expected: unknown,
  { data, directory }: { data: string; directory: string },
): void {
  if (hash !== expected)
    throw new UserError(
      `${data} has changed since ${directory} started, so the run cannot be resumed; start a new one`,
    )
}

import { UserError } from '../../common/errors.ts'
import { loadConfig } from '../../models/directory.ts'

interface Rows<R> {
  readonly training: readonly R[]
  readonly heldOut: readonly R[]
}

interface Reading<R, E> {
  readonly settings: { readonly data: string; readonly maxLength: number }
  /** A row in tokens. */
  readonly encode: (row: R) => E
  /** Tokens of its longest text. */
  readonly lengthOf: (encoded: E) => number
  readonly warn: (message: string) => void
  readonly progress: (line: string) => void
}

/** @throws UserError where the model reads fewer than `maxLength` tokens. */
export function checkLength({ model, maxLength }: { model: string; maxLength: number }): void {
  const { maxPositions } = loadConfig(model)
  if (maxLength > maxPositions)
    throw new UserError(
      `setting maxLength is ${maxLength}: ${model} reads ${maxPositions} tokens; set maxLength=${maxPositions} or less`,
      2,
    )
}

/**
 * Rows in tokens. Those of more than `maxLength` tokens are left out and counted; none is cut.
 *
 * @throws UserError for a row that cannot be encoded, with its place, and where a side has nothing left.
 */
export function withinLength<R extends { readonly where: string }, E>(
  rows: Rows<R>,
  { settings: { data, maxLength }, encode, lengthOf, warn, progress }: Reading<R, E>,
): Rows<E> & { readonly overlong: number } {
  const side = (name: string, all: readonly R[]): E[] =>
    all.flatMap((row, i) => {
      if (i % 1000 === 0) progress(`tokens of the ${name} rows: ${Math.floor((100 * i) / all.length)} %`)
      try {
        const encoded = encode(row)
        return lengthOf(encoded) > maxLength ? [] : [encoded]
      } catch (error) {
        if (error instanceof UserError) throw new UserError(`${row.where}: ${error.message}`, error.exitCode)
        throw error
      }
    })
  const training = side('training', rows.training)
  const heldOut = side('held-out', rows.heldOut)
  const all = rows.training.length + rows.heldOut.length
  const overlong = all - training.length - heldOut.length
  if (training.length === 0 || heldOut.length === 0)
    throw new UserError(
      `${data}: ${training.length} rows to train on and ${heldOut.length} held out have at most ${maxLength} tokens, and both are needed; set a higher maxLength`,
    )
  if (overlong > 0)
    warn(`${overlong} of ${all} rows are left out: longer than maxLength, ${maxLength} tokens`)
  return { training, heldOut, overlong }
}

import { UserError } from '../../common/errors.ts'
import { Random } from '../../common/random.ts'

export interface Mixture<Row> {
  /** In random order. */
  readonly rows: readonly Row[]
  /** What one side had too many of. */
  readonly left: readonly Row[]
  readonly used: { readonly reasoning: number; readonly general: number }
  readonly given: { readonly reasoning: number; readonly general: number }
}

/**
 * As many rows as there can be with `ratio` reasoning rows to a general one: 3 in DeepSeek-R1, about 600k to 200k. What
 * one side has too many of is left out at random.
 */
export function mixture<Row>({
  reasoning,
  general,
  ratio,
  seed,
}: {
  readonly reasoning: readonly Row[]
  readonly general: readonly Row[]
  readonly ratio: number
  readonly seed: number
}): Mixture<Row> {
  if (!(ratio > 0)) throw new UserError(`the mixture's ratio is ${ratio}; it must be a number above 0`, 2)
  const scale = Math.min(reasoning.length / ratio, general.length)
  const used = { reasoning: Math.round(scale * ratio), general: Math.round(scale) }
  if (used.reasoning === 0 || used.general === 0)
    throw new UserError(
      `${reasoning.length} reasoning rows and ${general.length} others make no mixture of ${ratio} : 1; sample more of what is missing`,
    )
  const draw = (rows: readonly Row[], name: string) => new Random(seed, 'mixture', name).shuffle([...rows])
  const [thought, other] = [draw(reasoning, 'reasoning'), draw(general, 'general')]
  const rows = [...thought.slice(0, used.reasoning), ...other.slice(0, used.general)]
  return {
    rows: new Random(seed, 'mixture', 'order').shuffle(rows),
    left: [...thought.slice(used.reasoning), ...other.slice(used.general)],
    used,
    given: { reasoning: reasoning.length, general: general.length },
  }
}

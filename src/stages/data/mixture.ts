import { UserError } from '../../common/errors.ts'
import { Random } from '../../common/random.ts'

interface Mixture<Row> {
  /** In random order. */
  readonly rows: readonly Row[]
  /** Numbers of rows in the mixture and of rows given. */
  readonly used: { readonly reasoning: number; readonly general: number }
  readonly given: { readonly reasoning: number; readonly general: number }
}

/**
 * The largest mixture with `ratio` reasoning rows per general row: 3 in DeepSeek-R1, about 600k to 200k. Surplus rows are
 * dropped at random.
 *
 * @throws UserError if the ratio is not above 0, or one side would be empty.
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
      `${reasoning.length} reasoning rows and ${general.length} general rows are too few for a mixture of ${ratio} : 1; sample more`,
    )
  const draw = (all: readonly Row[], name: string) => new Random(seed, 'mixture', name).shuffle([...all])
  const shuffled = { reasoning: draw(reasoning, 'reasoning'), general: draw(general, 'general') }
  const rows = [...shuffled.reasoning.slice(0, used.reasoning), ...shuffled.general.slice(0, used.general)]
  return {
    rows: new Random(seed, 'mixture', 'order').shuffle(rows),
    used,
    given: { reasoning: reasoning.length, general: general.length },
  }
}

import { openParts, type StrategyOptions } from '../../stages/think/open-strategy.ts'
import type { TextModel } from '../../thinking/model.ts'
import { type StrategySpec, withStrategy } from '../../thinking/strategies/strategy.ts'
import type { ThinkingWish } from '../dialect.ts'
import type { Defaults, Responder } from './respond.ts'

/**
 * Responds with a model that is used as `spec` says, where a request may wish for another effort or budget. Closing it leaves
 * the model open.
 *
 * @throws UserError if the model cannot be used so.
 */
export async function openResponder(
  model: TextModel,
  { spec = {}, defaults, ...options }: StrategyOptions & { spec?: StrategySpec; defaults?: Defaults } = {},
): Promise<Responder & { close(): Promise<void> }> {
  const { parts, close } = await openParts(options)
  const usedAs = (settings: StrategySpec): TextModel => withStrategy(model, settings, parts)
  try {
    const unwished = usedAs(spec)
    return {
      model,
      withWish: (wish) =>
        (wish.effort ?? wish.budget) === null ? unwished : usedAs(wished(spec, wish, model)),
      ...(defaults ? { defaults } : {}),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** The strategy with the thinking that a request wishes for; a number of tokens says more than a level. */
function wished(
  { budget: usual, effort: _, ...spec }: StrategySpec,
  { effort, budget }: ThinkingWish,
  { can }: TextModel,
): StrategySpec {
  if (effort === 'none') return can.thinks === false ? spec : { ...spec, effort }
  if (budget === null) return effort === null ? spec : { ...spec, effort }
  const min = usual?.min ?? 0
  return { ...spec, budget: { ...usual, min: Math.min(min, budget), max: budget } }
}

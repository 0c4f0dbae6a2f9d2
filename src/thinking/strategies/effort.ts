import type { TextModel, TextRequest } from '../model.ts'
import { withBudget } from './budget.ts'
import { onTop } from './on-top.ts'

/** Levels of thinking, from none to the most. */
export const EFFORTS = ['none', 'low', 'medium', 'high'] as const
export type Effort = (typeof EFFORTS)[number]

/**
 * The share of the longest response that the thinking may take, as OpenRouter counts it; and the tokens where the longest
 * response is unknown.
 */
export const EFFORT_BUDGETS = {
  low: { share: 0.2, tokens: 1024 },
  medium: { share: 0.5, tokens: 4096 },
  high: { share: 0.8, tokens: 16384 },
} as const satisfies Record<Exclude<Effort, 'none'>, { share: number; tokens: number }>

/** The largest budget of an effort, in tokens, for a request to a model. */
export function effortBudget(
  effort: Effort,
  { can }: TextModel,
  { maxTokens }: Pick<TextRequest, 'maxTokens'>,
): number {
  if (effort === 'none') return 0
  const { share, tokens } = EFFORT_BUDGETS[effort]
  const longest = maxTokens ?? can.maxTokens
  return longest === null ? tokens : Math.max(1, Math.floor(share * longest))
}

/**
 * A model that thinks with some effort. None: thinking is turned off where the model can be told so, and otherwise has a
 * budget of 0 tokens. Low, medium and high: a budget of at most `EFFORT_BUDGETS`. A model that cannot be given a budget,
 * since it cannot continue a response, gets the effort itself (`TextRequest.effort`).
 */
export function withEffort(model: TextModel, effort: Effort): TextModel {
  return onTop(model, ['effort', effort], (request) => {
    if (request.thinking === false) return model.respond(request)
    if (effort === 'none' && model.can.switchThinking) return model.respond({ ...request, thinking: false })
    if (!model.can.prefix) return model.respond({ ...request, effort })
    return withBudget(model, { max: effortBudget(effort, model, request) }).respond(request)
  })
}

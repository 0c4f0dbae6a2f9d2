export { collect } from './collect.ts'
export type {
  Message,
  TextCapabilities,
  TextEnd,
  TextEvent,
  TextModel,
  TextRequest,
  TextResponse,
  TextUsage,
  ThinkingFormat,
  ToolCall,
} from './model.ts'
export { thinkingPieces, thinkingStream } from './parser/adapters.ts'
export { thinkingMiddleware } from './parser/ai-sdk.ts'
export { detectFormat } from './parser/detect.ts'
export { FieldsParser, fromFields } from './parser/fields.ts'
export { FORMATS, type FormatName } from './parser/formats.ts'
export { type PartStatistics, ThinkingMeter, type ThinkingStatistics } from './parser/meter.ts'
export { opensThinking } from './parser/opened.ts'
export {
  type ParsedThinking,
  type ParserOptions,
  type Piece,
  parseThinking,
  ThinkingParser,
} from './parser/parser.ts'
export { type Choose, highest, withBestOf } from './strategies/best-of.ts'
export { type BudgetOptions, withBudget } from './strategies/budget.ts'
export { EFFORTS, type Effort, effortBudget, withEffort } from './strategies/effort.ts'
export { type Group, groupAnswers, majority, type Same } from './strategies/majority.ts'
export { type RefineOptions, withRefinement } from './strategies/refine.ts'
export {
  STRATEGIES,
  type StrategyName,
  type StrategyParts,
  type StrategySpec,
  withStrategy,
} from './strategies/strategy.ts'
export { type Score, type VoteOptions, withVote } from './strategies/vote.ts'

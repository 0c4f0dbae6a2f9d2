export { thinkingPieces, thinkingStream } from './adapters.ts'
export { thinkingMiddleware } from './ai-sdk.ts'
export { detectFormat } from './detect.ts'
export { FieldsParser, fromFields } from './fields.ts'
export { FORMATS, type FormatName } from './formats.ts'
export { type PartStatistics, ThinkingMeter, type ThinkingStatistics } from './meter.ts'
export type { ThinkingFormat } from './model.ts'
export { opensThinking } from './opened.ts'
export {
  type ParsedThinking,
  type ParserOptions,
  type Piece,
  parseThinking,
  ThinkingParser,
} from './parser.ts'

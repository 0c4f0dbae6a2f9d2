export { FORMATS, type FormatName } from './formats.ts'
export type { ThinkingFormat } from './model.ts'
export {
  type ParsedThinking,
  type ParserOptions,
  type Piece,
  parseThinking,
  ThinkingParser,
} from './parser.ts'

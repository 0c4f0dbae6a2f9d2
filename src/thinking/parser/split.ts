import type { ThinkingFormat } from '../model.ts'
import { FORMATS } from './formats.ts'
import { type ParsedThinking, parseThinking } from './parser.ts'

/** R1's format: thinking only comes first, so that a summary may write of the tags. */
const R1: ThinkingFormat = { ...FORMATS.deepseek, name: 'r1', leading: true }

/**
 * Splits a whole response in R1's format. `opened` says that the prompt certainly ended with `<think>`, so that thinking
 * without an end is recognised; otherwise this is found out from the response.
 *
 * `thinking` is `null` if there is none; `answer` is `null` if the thinking did not end.
 */
export const splitThinking = (text: string, { opened = false }: { opened?: boolean } = {}): ParsedThinking =>
  parseThinking(text, { format: R1, opened: opened || 'auto' })

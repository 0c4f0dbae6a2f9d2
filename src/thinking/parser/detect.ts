import type { ThinkingFormat } from '../model.ts'
import { FORMATS, type FormatName } from './formats.ts'

/**
 * What is in the chat template of a model of each format. The most particular come first: `<think>` is also a part of other
 * formats.
 */
const SIGNS: readonly (readonly [FormatName, ...RegExp[]])[] = [
  ['gpt-oss', /<\|channel\|>/],
  ['gemma', /<\|channel>|<channel\|>/],
  ['cohere', /<\|(?:START|END)_THINKING\|>/],
  ['kimi-k3', /<\|(?:open|close)\|>think/],
  ['kimi', /◁\/?think▷/],
  ['minimax-m3', /<\/?mm:think>/],
  ['seed-oss', /<\/?seed:think>/],
  ['apertus', /<\|inner_(?:prefix|suffix)\|>/],
  ['openthinker', /<\|(?:begin|end)_of_thought\|>/],
  ['magistral', /\[\/?THINK\]/],
  ['apriel', /\[BEGIN FINAL RESPONSE\]/],
  ['exaone', /<\/?thought>/],
  ['granite', /Here(?: is|'s) my thought process/],
  ['granite-3.3', /<\/?think>/, /<\/?response>/],
  ['r1-zero', /<\/?think>/, /<\/?answer>/],
  ['deepseek', /<\/?think>/],
  ['reasoning', /<\/?reasoning>/],
  ['thinking', /<\/?thinking>/],
]

/**
 * The format in which a model thinks, found from its chat template or, if that has no delimiter, from its special tokens;
 * null if neither has one.
 */
export function detectFormat({
  template,
  tokens = [],
}: {
  /** The text of the chat template. */
  readonly template?: string | null | undefined
  /** The special and added tokens. */
  readonly tokens?: readonly string[] | undefined
}): ThinkingFormat | null {
  for (const text of [template ?? '', tokens.join('\n')]) {
    const found = SIGNS.find(([, ...signs]) => signs.every((sign) => sign.test(text)))
    if (found) return FORMATS[found[0]]
  }
  return null
}

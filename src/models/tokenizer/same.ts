import { join } from 'node:path'
import { tokenizerFolder } from '../checkpoint/peft/find-base.ts'
import { readJsonObject } from '../json-file.ts'

/** The text of each token id, as tokenizer.json spells it. */
function tokensOf(folder: string): Map<number, string> {
  const { model, added_tokens: added } = readJsonObject(join(tokenizerFolder(folder), 'tokenizer.json')) as {
    model?: { vocab?: Record<string, number> | [string, number][] }
    added_tokens?: { id: number; content: string }[]
  }
  const { vocab = {} } = model ?? {}
  const pieces = Array.isArray(vocab)
    ? vocab.map(([piece], id) => [id, piece] as const)
    : Object.entries(vocab).map(([piece, id]) => [id, piece] as const)
  return new Map([...pieces, ...(added ?? []).map(({ id, content }) => [id, content] as const)])
}

/**
 * How the tokens of the tokenizers in two folders differ, so that sequences of one model mean something else to the other; null
 * if every token of `folder` is the same in `other`, which may have more.
 *
 * @throws UserError if one of them cannot be read.
 */
export function differentToken(folder: string, other: string): string | null {
  const [tokens, others] = [tokensOf(folder), tokensOf(other)]
  for (const [id, text] of tokens)
    if (others.get(id) !== text)
      return `token ${id} is ${JSON.stringify(text)} in one and ${others.has(id) ? JSON.stringify(others.get(id)) : 'missing'} in the other`
  return null
}

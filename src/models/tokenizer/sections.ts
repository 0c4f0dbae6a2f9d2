import { SPACE } from './train-bpe.ts'

/** The parts of tokenizer.json that decide where a text may be cut. */
interface TokenizerJson {
  readonly model: {
    readonly type?: string | undefined
    readonly vocab: Readonly<Record<string, number>> | readonly unknown[]
    readonly byte_fallback?: boolean | null | undefined
  }
  readonly added_tokens: readonly AddedToken[]
  readonly normalizer?: unknown
  readonly pre_tokenizer?: unknown
  readonly decoder?: { readonly type: string } | null | undefined
}

interface AddedToken {
  readonly content: string
  readonly lstrip?: boolean | undefined
  readonly rstrip?: boolean | undefined
  readonly normalized?: boolean | undefined
}

/**
 * A function that cuts a text into sections whose ids, one section after the other, are those of the text, so that
 * sections that were encoded before need not be encoded again:
 * - a byte-level tokenizer is cut at its added tokens, unless one of them changes the text beside it;
 * - a BPE of SentencePiece's kind that takes the text as it is, also between two characters that no piece has side by side.
 *
 * Texts of other tokenizers stay whole.
 */
export function sectionsOf(json: TokenizerJson): (text: string) => string[] {
  const whole = (text: string) => (text === '' ? [] : [text])
  const separators = separatorsOf(json)
  if (separators === null) return whole
  const atTokens = (text: string) => text.split(separators).filter((section) => section !== '')
  if (json.decoder?.type === 'ByteLevel') return atTokens
  if (!takesTextAsItIs(json)) return whole
  const added = new Set(json.added_tokens.map(({ content }) => content))
  const neighbours = neighboursIn(Object.keys(json.model.vocab))
  return (text) =>
    atTokens(text).flatMap((section) => (added.has(section) ? [section] : cut(section, neighbours)))
}

/** Finds the added tokens; null if there are none, or one changes the text beside it or is not found as it stands. */
function separatorsOf({ added_tokens: added, normalizer }: TokenizerJson): RegExp | null {
  if (added.some(({ lstrip, rstrip, normalized }) => lstrip || rstrip || (normalized && normalizer != null)))
    return null
  const contents = added.map(({ content }) => content).filter((content) => content !== '')
  if (contents.length === 0) return null
  // the longest one counts where several begin
  const longestFirst = contents.sort((a, b) => b.length - a.length)
  return new RegExp(`(${longestFirst.map((one) => one.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`)
}

/** Whether nothing is done to a text before its characters are merged, except that spaces become `SPACE`. */
function takesTextAsItIs({ model, normalizer, pre_tokenizer }: TokenizerJson): boolean {
  const step = normalizer as { type?: string; pattern?: { String?: string }; content?: string } | null
  const escapes = step?.type === 'Replace' && step.pattern?.String === ' ' && step.content === SPACE
  return escapes && pre_tokenizer == null && model.byte_fallback === true && !Array.isArray(model.vocab)
}

/** All pairs of characters that stand side by side in a piece. */
function neighboursIn(pieces: readonly string[]): Set<string> {
  const neighbours = new Set<string>()
  for (const piece of pieces) {
    const characters = [...piece]
    for (let i = 1; i < characters.length; i++) neighbours.add(characters[i - 1]! + characters[i]!)
  }
  return neighbours
}

function cut(text: string, neighbours: ReadonlySet<string>): string[] {
  const sections: string[] = []
  let section = ''
  let last = ''
  for (const character of text) {
    const escaped = character === ' ' ? SPACE : character
    if (section !== '' && !neighbours.has(last + escaped)) {
      sections.push(section)
      section = ''
    }
    section += character
    last = escaped
  }
  return [...sections, section]
}

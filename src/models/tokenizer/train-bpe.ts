import { UserError } from '../../common/errors.ts'
import { Heap } from './heap.ts'

/** Stands for a space in pieces, as in SentencePiece. */
export const SPACE = '\u2581'

/** Splits a text into words with one leading space or mark, single digits, punctuation and white space. */
const WORDS = /[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s/gu

/** A trained vocabulary of SentencePiece's kind of BPE; characters that it lacks are written as their bytes. */
export interface BpeModel {
  /** Pieces of two or more characters in the order of their training: the first of them are merged first. */
  readonly merged: readonly string[]
  /** Single characters, most frequent first. All characters of `merged` are among them. */
  readonly characters: readonly string[]
}

/** A distinct word of the corpus: its current pieces, and how often it occurs. */
interface Word {
  pieces: string[]
  readonly count: number
}

/**
 * Trains BPE on characters (Sennrich et al. 2016): merges the most frequent pair of neighbours until there are `size`
 * pieces. As in SentencePiece, pairs that make the same piece count as one, and no merge crosses a word. Spaces become
 * `SPACE`. A digit is never merged. Ties go to the piece that is first in the order of code units, so the result
 * depends only on the corpus.
 *
 * Characters that occur once are left out, and those that are the least frequent if there are more than `size`. No piece
 * contains one of `specialTokens`. The vocabulary stays smaller if no pair occurs twice any more.
 */
export function trainBpe(
  texts: Iterable<string>,
  { size, specialTokens }: { size: number; specialTokens: readonly string[] },
): BpeModel {
  if (!Number.isInteger(size) || size < 1)
    throw new UserError(`a vocabulary needs room for one piece at least; there is room for ${size}`)
  const counts = countWords(texts, specialTokens)
  const characters = frequentCharacters(counts).slice(0, size)
  const known = new Set(characters)
  const pairs = new PairCounts(
    [...counts].map(([word, count]) => ({ pieces: [...word], count })),
    known,
  )
  const merged: string[] = []
  const pieces = new Set(characters)
  while (merged.length < size - characters.length) {
    const piece = pairs.best()
    if (piece === null) break
    if (!pieces.has(piece)) {
      pieces.add(piece)
      merged.push(piece)
    }
    pairs.merge(piece)
  }
  return { merged, characters }
}

function countWords(texts: Iterable<string>, specialTokens: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  const special = specialTokens.length > 0 ? new RegExp(specialTokens.map(escapeRegExp).join('|')) : null
  for (const text of texts) {
    for (const part of special ? text.split(special) : [text])
      for (const word of part.match(WORDS) ?? []) {
        const escaped = word.replaceAll(' ', SPACE)
        counts.set(escaped, (counts.get(escaped) ?? 0) + 1)
      }
  }
  return counts
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** Characters that occur more than once, most frequent first. */
function frequentCharacters(words: ReadonlyMap<string, number>): string[] {
  const counts = new Map<string, number>()
  for (const [word, count] of words)
    for (const character of word) counts.set(character, (counts.get(character) ?? 0) + count)
  return [...counts]
    .filter(([, count]) => count > 1)
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([character]) => character)
}

/**
 * All pairs of pieces that make another piece, in the order of that piece: the merges of tokenizer.json.
 *
 * Readers of tokenizer.json merge the pair that comes first in this list; SentencePiece and llama.cpp merge the pair that
 * makes the first piece. Both give the same pieces. For when a piece is the next to be merged, all earlier ones that
 * its text can contain have been merged, whatever stands beside it: so its text is always in the same two parts, and
 * only one of its pairs is ever met.
 */
export function mergesOf({ merged, characters }: BpeModel): [string, string][] {
  const pieces = new Set([...characters, ...merged])
  return merged.flatMap((piece) => splits(piece, pieces))
}

/** The ways to write a piece as two pieces. */
function splits(piece: string, pieces: ReadonlySet<string>): [string, string][] {
  const letters = [...piece]
  return letters.slice(1).flatMap((_, i): [string, string][] => {
    const pair: [string, string] = [letters.slice(0, i + 1).join(''), letters.slice(i + 1).join('')]
    return pieces.has(pair[0]) && pieces.has(pair[1]) ? [pair] : []
  })
}

/** Counts of the pieces that neighbours make, updated after each merge by visiting only the words that contain them. */
class PairCounts {
  readonly #words: Word[]
  readonly #known: ReadonlySet<string>
  readonly #counts = new Map<string, number>()
  /** Words in which neighbours make a piece, or once did. */
  readonly #where = new Map<string, Set<number>>()
  /** May hold outdated counts; `best` drops or corrects them. */
  readonly #heap = new Heap<{ piece: string; count: number }>(
    (a, b) => a.count > b.count || (a.count === b.count && a.piece < b.piece),
  )

  /** Characters that are not `known` stay alone. */
  constructor(words: Word[], known: ReadonlySet<string>) {
    this.#words = words
    this.#known = known
    for (const index of words.keys()) this.#countWord(index, 1)
    for (const [piece, count] of this.#counts) this.#heap.push({ piece, count })
  }

  /** The most frequent piece, or null if none occurs twice. */
  best(): string | null {
    for (;;) {
      const top = this.#heap.pop()
      if (!top) return null
      const count = this.#counts.get(top.piece) ?? 0
      if (count < 2) continue
      if (count === top.count) return top.piece
      if (count < top.count) this.#heap.push({ piece: top.piece, count })
    }
  }

  /** Merges neighbours that make this piece in every word. */
  merge(piece: string): void {
    const changed = new Set<string>()
    for (const index of this.#where.get(piece) ?? []) {
      this.#countWord(index, -1, changed)
      this.#words[index]!.pieces = mergePairs(this.#words[index]!.pieces, piece)
      this.#countWord(index, 1, changed)
    }
    this.#where.delete(piece)
    for (const one of changed) this.#heap.push({ piece: one, count: this.#counts.get(one) ?? 0 })
  }

  #countWord(index: number, sign: 1 | -1, changed?: Set<string>): void {
    const { pieces, count } = this.#words[index]!
    for (let i = 0; i + 1 < pieces.length; i++) {
      const [left, right] = [pieces[i]!, pieces[i + 1]!]
      if (this.#isUnknown(left) || this.#isUnknown(right)) continue
      const piece = left + right
      this.#counts.set(piece, (this.#counts.get(piece) ?? 0) + sign * count)
      changed?.add(piece)
      if (sign < 0) continue
      const where = this.#where.get(piece)
      if (where) where.add(index)
      else this.#where.set(piece, new Set([index]))
    }
  }

  #isUnknown(piece: string): boolean {
    return [...piece].length === 1 && !this.#known.has(piece)
  }
}

function mergePairs(pieces: readonly string[], piece: string): string[] {
  const merged: string[] = []
  for (let i = 0; i < pieces.length; i++) {
    if (i + 1 < pieces.length && pieces[i]! + pieces[i + 1]! === piece) {
      merged.push(piece)
      i++
    } else merged.push(pieces[i]!)
  }
  return merged
}

import { UserError } from '../../common/errors.ts'
import { BYTE_TO_CHAR } from '../bytes.ts'
import { Heap } from './heap.ts'

/**
 * Qwen2's pre-tokenizer: contractions, words with one leading mark, single digits, punctuation, white space.
 * In the syntax of tokenizer.json (Oniguruma).
 */
export const QWEN2_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/** The same pattern for JavaScript, whose older engines have no `(?i:…)`. */
const PIECES = new RegExp(
  QWEN2_PATTERN.replace(/^\(\?i:.*?\)/, "(?:'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD]))"),
  'gu',
)

/** A trained byte-level BPE vocabulary. */
export interface BpeModel {
  /** Token (in `BYTE_TO_CHAR` letters) to id. Ids 0–255 are the bytes; the others follow in the order of `merges`. */
  readonly vocab: ReadonlyMap<string, number>
  /** Pairs of tokens, most frequent first. */
  readonly merges: readonly (readonly [string, string])[]
}

/** A distinct pre-token of the corpus: its current tokens, and how often it occurs. */
interface Word {
  ids: number[]
  readonly count: number
}

/**
 * Trains byte-level BPE (Sennrich et al. 2016): merges the most frequent pair of neighbours until the vocabulary is
 * full. Ties go to the pair with the lower ids, so the result depends only on the corpus.
 *
 * `vocabSize` counts the 256 bytes, the merges and `specialTokens`. Special tokens get their ids after the merges, and no
 * merge crosses them. The vocabulary stays smaller if no pair occurs twice any more.
 *
 * @throws UserError if `vocabSize` has no room for the bytes and the special tokens.
 */
export function trainBpe(
  texts: Iterable<string>,
  { vocabSize, specialTokens }: { vocabSize: number; specialTokens: readonly string[] },
): BpeModel {
  const room = vocabSize - 256 - specialTokens.length
  if (!Number.isInteger(vocabSize) || room < 0)
    throw new UserError(
      `vocabulary size ${vocabSize} is too small: 256 bytes and ${specialTokens.length} special tokens need ${256 + specialTokens.length}`,
    )
  const words = countWords(texts, specialTokens)
  const tokens = [...BYTE_TO_CHAR]
  const merges: [string, string][] = []
  const pairs = new PairCounts(words)
  while (merges.length < room) {
    const pair = pairs.best()
    if (!pair) break
    const id = tokens.length
    tokens.push(tokens[pair.left]! + tokens[pair.right]!)
    merges.push([tokens[pair.left]!, tokens[pair.right]!])
    pairs.merge(pair.left, pair.right, id)
  }
  return { vocab: new Map(tokens.map((token, id) => [token, id])), merges }
}

function countWords(texts: Iterable<string>, specialTokens: readonly string[]): Word[] {
  const counts = new Map<string, number>()
  const special = specialTokens.length > 0 ? new RegExp(specialTokens.map(escapeRegExp).join('|')) : null
  for (const text of texts) {
    for (const part of special ? text.split(special) : [text]) {
      for (const piece of part.match(PIECES) ?? []) counts.set(piece, (counts.get(piece) ?? 0) + 1)
    }
  }
  return [...counts].map(([text, count]) => ({ ids: [...new TextEncoder().encode(text)], count }))
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** A pair of ids as one number that sorts by (left, right). */
const SHIFT = 2 ** 26
const pairKey = (left: number, right: number) => left * SHIFT + right

/** Counts of all pairs of neighbours, updated after each merge by visiting only the words that contain the pair. */
class PairCounts {
  readonly #words: Word[]
  readonly #counts = new Map<number, number>()
  /** Words in which a pair occurs or has occurred. */
  readonly #where = new Map<number, Set<number>>()
  /** May hold outdated counts; `best` drops or corrects them. */
  readonly #heap = new Heap<{ key: number; count: number }>(
    (a, b) => a.count > b.count || (a.count === b.count && a.key < b.key),
  )

  constructor(words: Word[]) {
    this.#words = words
    for (const index of words.keys()) this.#countWord(index, 1)
    for (const [key, count] of this.#counts) this.#heap.push({ key, count })
  }

  /** The most frequent pair, or null if none occurs twice. */
  best(): { left: number; right: number } | null {
    for (;;) {
      const top = this.#heap.pop()
      if (!top) return null
      const count = this.#counts.get(top.key) ?? 0
      if (count < 2) continue
      if (count === top.count) return { left: Math.floor(top.key / SHIFT), right: top.key % SHIFT }
      if (count < top.count) this.#heap.push({ key: top.key, count })
    }
  }

  /** Replaces the pair by `id` in every word. */
  merge(left: number, right: number, id: number): void {
    const changed = new Set<number>()
    for (const index of this.#where.get(pairKey(left, right)) ?? []) {
      this.#countWord(index, -1, changed)
      this.#words[index]!.ids = mergePair(this.#words[index]!.ids, left, right, id)
      this.#countWord(index, 1, changed)
    }
    this.#where.delete(pairKey(left, right))
    for (const key of changed) this.#heap.push({ key, count: this.#counts.get(key) ?? 0 })
  }

  #countWord(index: number, sign: 1 | -1, changed?: Set<number>): void {
    const { ids, count } = this.#words[index]!
    for (let i = 0; i + 1 < ids.length; i++) {
      const key = pairKey(ids[i]!, ids[i + 1]!)
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + sign * count)
      changed?.add(key)
      if (sign < 0) continue
      const where = this.#where.get(key)
      if (where) where.add(index)
      else this.#where.set(key, new Set([index]))
    }
  }
}

function mergePair(ids: readonly number[], left: number, right: number, id: number): number[] {
  const merged: number[] = []
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === left && ids[i + 1] === right) {
      merged.push(id)
      i++
    } else merged.push(ids[i]!)
  }
  return merged
}

/** Length of the runs of words compared: two questions rarely share this many consecutive words by chance. */
const RUN = 13
/** A run that is in more held-out questions than this is a common phrase, and is ignored. */
const MOST_QUESTIONS = 2
/** Most runs in the index, which then takes about 100 MB. */
const MOST_RUNS = 1 << 20

/** A held-out question that shares runs of words with a text. */
interface Shared {
  readonly index: number
  /** Number of words in common, in runs of at least 13. */
  readonly words: number
}

/** The index and the text of a question. */
type Text = readonly [index: number, text: string]

/**
 * Finds training questions that share runs of words with held-out ones, each with the closest of them.
 *
 * @param heldOut the held-out questions; only the first ones are compared if the index has no room for all
 * @param training the training questions, and their number
 * @param found called with the indices of a training question and of the closest held-out one, and their number of words in common
 * @returns the number of held-out questions that were compared
 */
export function findOverlap(
  heldOut: Iterable<Text>,
  training: { readonly texts: Iterable<Text>; readonly count: number },
  found: (training: number, heldOut: number, words: number) => void,
  progress: (line: string) => void,
): number {
  const index = new OverlapIndex()
  let compared = 0
  for (const [held, text] of heldOut) {
    if (index.full) break
    index.add(held, text)
    compared++
  }
  if (index.empty) return compared
  let searched = 0
  for (const [question, text] of training.texts) {
    if (searched++ % 10_000 === 0)
      progress(`looking for overlap: ${Math.floor((100 * searched) / training.count)} %`)
    const [closest] = index.find(text).sort((a, b) => b.words - a.words)
    if (closest !== undefined) found(question, closest.index, closest.words)
  }
  return compared
}

/** Finds held-out questions that share runs of 13 words with a training question; only letters and digits are compared. */
export class OverlapIndex {
  readonly #questions = new Map<number, number[]>()
  /**
   * A Bloom filter of the runs, by the lowest bits of their hashes. Most runs are not in the index: without this filter
   * the search takes three times as long.
   */
  readonly #filter = new Uint8Array(1 << 21)

  /** True if no added question is as long as a run: then none can be found. */
  get empty(): boolean {
    return this.#questions.size === 0
  }

  /** True if no further question should be added. */
  get full(): boolean {
    return this.#questions.size >= MOST_RUNS
  }

  /** Adds a held-out question. */
  add(index: number, text: string): void {
    for (const run of new Set(runs(text))) {
      const questions = this.#questions.get(run)
      if (questions) questions.push(index)
      else this.#questions.set(run, [index])
      this.#filter[bit(run) >>> 3]! |= 1 << (bit(run) & 7)
    }
  }

  /** The held-out questions that share runs with a text. */
  find(text: string): Shared[] {
    const hits = new Map<number, number>()
    let seen: Set<number> | null = null
    for (const run of runs(text)) {
      if (!(this.#filter[bit(run) >>> 3]! & (1 << (bit(run) & 7)))) continue
      const questions = this.#questions.get(run)
      seen ??= new Set()
      if (!questions || questions.length > MOST_QUESTIONS || seen.has(run)) continue
      seen.add(run)
      for (const index of questions) hits.set(index, (hits.get(index) ?? RUN - 1) + 1)
    }
    return [...hits].map(([index, words]) => ({ index, words }))
  }
}

const bit = (hash: number): number => hash % (1 << 24)

/** A 52-bit hash of every run of words: two polynomial rolling hashes over the hashes of the words. */
function runs(text: string): number[] {
  const words = wordHashes(text)
  const hashes: number[] = []
  let high = 0
  let low = 0
  for (let i = 0; i < words.length; i++) {
    const [added, removed] = [words[i]!, i < RUN ? 0 : words[i - RUN]!]
    // h ← h · b + added − removed · b^RUN   (mod 2^32)
    high = (Math.imul(high, HIGH) + added - Math.imul(removed, HIGH_RUN)) | 0
    low = (Math.imul(low, LOW) + added - Math.imul(removed, LOW_RUN)) | 0
    if (i >= RUN - 1) hashes.push((high >>> 6) * 0x4000000 + (low >>> 6))
  }
  return hashes
}

const [HIGH, LOW] = [0x01000193, 0x5bd1e995]
const [HIGH_RUN, LOW_RUN] = [HIGH, LOW].map((base) => {
  let power = 1
  for (let i = 0; i < RUN; i++) power = Math.imul(power, base)
  return power
}) as [number, number]

/**
 * A hash of every word, in lower case. A word consists of letters and digits; in scripts without spaces, each character is
 * a word.
 */
function wordHashes(text: string): number[] {
  const words: number[] = []
  let hash = 0
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i)
    if (code >= 65 && code <= 90) code += 32
    const ideograph = code >= 0x2e80
    const letter =
      (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || (code >= 0xaa && !isPunctuation(code))
    if ((!letter || ideograph) && hash !== 0) {
      words.push(hash)
      hash = 0
    }
    if (!letter) continue
    hash = Math.imul((hash || 0x811c9dc5) ^ code, 0x01000193) || 1
    if (ideograph) {
      words.push(hash)
      hash = 0
    }
  }
  if (hash !== 0) words.push(hash)
  return words
}

/** General, CJK and full-width punctuation. */
function isPunctuation(code: number): boolean {
  return (
    (code >= 0x2000 && code <= 0x206f) ||
    (code >= 0x3000 && code <= 0x303f) ||
    (code >= 0xff00 && code <= 0xff0f) ||
    (code >= 0xff1a && code <= 0xff20)
  )
}

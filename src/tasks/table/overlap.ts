/** Words in a row that two questions may not share: long enough to be no accident. */
const RUN = 13
/** A run in more evaluation questions than these is part of how they are worded. */
const WORDING = 2
/** Runs that are kept: about 100 MB. */
const MOST = 1 << 20

/** An evaluation question that shares runs of words with another. */
export interface Shared {
  readonly index: number
  /** How many words they have in common, in runs of at least 13. */
  readonly words: number
}

/** Finds evaluation questions again, in part, in training questions: by runs of 13 words, whatever stands between them. */
export class OverlapIndex {
  readonly #questions = new Map<number, number[]>()
  /** Which hashes may be there, by their lowest bits: most runs are not, and this is quick to see. */
  readonly #maybe = new Uint8Array(1 << 21)

  /** No question is as long as a run: none can be found again in part. */
  get empty(): boolean {
    return this.#questions.size === 0
  }

  get full(): boolean {
    return this.#questions.size >= MOST
  }

  add(index: number, text: string): void {
    for (const run of new Set(runs(text))) {
      const questions = this.#questions.get(run)
      if (questions) questions.push(index)
      else this.#questions.set(run, [index])
      this.#maybe[bit(run) >>> 3]! |= 1 << (bit(run) & 7)
    }
  }

  find(text: string): Shared[] {
    const hits = new Map<number, number>()
    let seen: Set<number> | null = null
    for (const run of runs(text)) {
      if (!(this.#maybe[bit(run) >>> 3]! & (1 << (bit(run) & 7)))) continue
      const questions = this.#questions.get(run)
      seen ??= new Set()
      if (!questions || questions.length > WORDING || seen.has(run)) continue
      seen.add(run)
      for (const index of questions) hits.set(index, (hits.get(index) ?? RUN - 1) + 1)
    }
    return [...hits].map(([index, words]) => ({ index, words }))
  }
}

const bit = (hash: number): number => hash % (1 << 24)

/** A hash of 52 bits for every run of words: two polynomials in the hashes of its words, rolled on word by word. */
function runs(text: string): number[] {
  const words = wordHashes(text)
  const hashes: number[] = []
  let high = 0
  let low = 0
  for (let i = 0; i < words.length; i++) {
    const [enters, leaves] = [words[i]!, i < RUN ? 0 : words[i - RUN]!]
    // h ← h · b + enters − leaves · b^RUN   (mod 2^32)
    high = (Math.imul(high, HIGH) + enters - Math.imul(leaves, HIGH_RUN)) | 0
    low = (Math.imul(low, LOW) + enters - Math.imul(leaves, LOW_RUN)) | 0
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

/** A hash of every word, in lower case. Letters and digits make words; a character beyond ASCII is a word of its own in scripts without spaces. */
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

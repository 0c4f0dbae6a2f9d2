/** Longest section that is kept, and length of all that are, in characters. */
const [LONGEST, ALL] = [2 ** 16, 2 ** 20]

/**
 * Encodes sections of texts and keeps the ids of recent ones: the sections of a chat template are the same in every prompt,
 * and a conversation repeats its earlier messages.
 */
export class RecentSections {
  readonly #encode: (section: string) => readonly number[]
  /** The one that was not used for the longest time comes first. */
  readonly #kept = new Map<string, readonly number[]>()
  #characters = 0

  constructor(encode: (section: string) => readonly number[]) {
    this.#encode = encode
  }

  get(section: string): readonly number[] {
    const kept = this.#kept.get(section)
    const ids = kept ?? this.#encode(section)
    if (section.length > LONGEST) return ids
    if (kept === undefined) this.#characters += section.length
    this.#kept.delete(section)
    this.#kept.set(section, ids)
    for (const oldest of this.#kept.keys()) {
      if (this.#characters <= ALL) break
      this.#kept.delete(oldest)
      this.#characters -= oldest.length
    }
    return ids
  }
}

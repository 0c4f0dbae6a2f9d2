/** What is known about a model that is exported. */
export interface CardFacts {
  /** Its name: that of its run or folder. */
  readonly name: string
  /** As on the Hugging Face hub, or null if it is unknown. */
  readonly license: string | null
  /** The model that it was trained from, or null. */
  readonly base: string | null
  /** How it was made, as the end of a sentence, or null. */
  readonly made: string | null
  /** Where its training questions or demonstrations came from, or null. */
  readonly data: string | null
  /** Measurements with their names, such as held-out pass@1 before and after. */
  readonly measures: readonly (readonly [name: string, value: string])[]
}

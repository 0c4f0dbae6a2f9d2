import { plural } from '../../common/words.ts'

/** Number of rows that are described. */
const SHOWN = 3

/** Counts rows that cannot be used, and describes the first ones. */
export class LeftOutRows {
  count = 0
  readonly #first: string[] = []

  /** @param where such as "train.jsonl:12". */
  add(where: string, reason: string): void {
    if (this.count++ < SHOWN) this.#first.push(`${where}: ${reason}`)
  }

  /** For an error: the first row. Null if there is none. */
  get first(): string | null {
    return this.#first[0] ?? null
  }

  /** For a warning: their number among `rows`, and the first ones. */
  paragraph(rows: number): string {
    const more = this.count - this.#first.length
    const heading = `${this.count} of ${plural(rows, 'row')} ${this.count === 1 ? 'is left out, since it' : 'are left out, since they'} cannot be used:`
    return [heading, ...this.#first, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n  ')
  }
}

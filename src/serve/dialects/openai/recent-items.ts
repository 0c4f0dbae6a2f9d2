type Item = Readonly<Record<string, unknown>> & { readonly id: string }

/**
 * The newest output items of Responses, up to `limit` characters of JSON in all. Clients that were not told `store: false` may
 * refer to an item by its id instead of sending it back. The ids cannot be guessed.
 */
export class RecentItems {
  private readonly items = new Map<string, string>()
  private characters = 0
  constructor(private readonly limit = 2 ** 23) {}

  keep(items: readonly Item[]): void {
    for (const item of items) {
      const json = JSON.stringify(item)
      this.items.set(item.id, json)
      this.characters += json.length
    }
    for (const [id, json] of this.items) {
      if (this.characters <= this.limit) return
      this.items.delete(id)
      this.characters -= json.length
    }
  }

  /** null if it is not known, or no longer. */
  find(id: unknown): Item | null {
    const json = this.items.get(String(id))
    return json === undefined ? null : JSON.parse(json)
  }
}

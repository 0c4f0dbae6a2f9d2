/** A binary heap; `pop` returns the item that comes `before` all others. */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #before: (a: T, b: T) => boolean

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  push(item: T): void {
    let at = this.#items.push(item) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#before(item, this.#items[parent]!)) break
      this.#items[at] = this.#items[parent]!
      at = parent
    }
    this.#items[at] = item
  }

  pop(): T | undefined {
    const top = this.#items[0]
    const last = this.#items.pop()
    const size = this.#items.length
    if (size === 0 || last === undefined) return top
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && this.#before(this.#items[child + 1]!, this.#items[child]!)) child++
      if (!this.#before(this.#items[child]!, last)) break
      this.#items[at] = this.#items[child]!
      at = child
    }
    this.#items[at] = last
    return top
  }
}

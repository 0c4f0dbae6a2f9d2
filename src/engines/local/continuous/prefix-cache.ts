import { BLOCK } from './program.ts'

interface Node {
  readonly key: string
  readonly parent: Node | null
  readonly children: Map<string, Node>
  readonly contents: Float32Array
}

/**
 * Keys and values of earlier texts, so that a text that begins like one of them computes only the rest: a tree of blocks of
 * `BLOCK` tokens. Once it has more than `most` blocks, those that were not used for the longest time are dropped. Valid for
 * one version of the weights.
 */
export class PrefixCache {
  readonly #most: number
  readonly #roots = new Map<string, Node>()
  /** From the least recently used to the most; a block comes after all that continue it. */
  readonly #nodes = new Set<Node>()

  constructor(most: number) {
    this.#most = most
  }

  /** The contents of the blocks `from` … `to` − 1 of a text, as far as they are known without a gap. */
  find(tokens: ArrayLike<number>, from: number, to: number): Float32Array[] {
    const path = this.#path(tokens, to)
    this.#use(path)
    return path.slice(from).map(({ contents }) => contents)
  }

  /** Stores the first `count` blocks of a text; `read` is called for those that are missing. */
  store(tokens: ArrayLike<number>, count: number, read: (block: number) => Float32Array): void {
    const path = this.#path(tokens, count)
    for (let block = path.length; block < count; block++) {
      const parent = path.at(-1) ?? null
      const key = keyOf(tokens, block)
      const node: Node = { key, parent, children: new Map(), contents: read(block) }
      ;(parent?.children ?? this.#roots).set(key, node)
      path.push(node)
    }
    this.#use(path)
    for (const node of this.#nodes) {
      if (this.#nodes.size <= this.#most) return
      this.#nodes.delete(node)
      ;(node.parent?.children ?? this.#roots).delete(node.key)
    }
  }

  #path(tokens: ArrayLike<number>, count: number): Node[] {
    const path: Node[] = []
    let children = this.#roots
    for (let block = 0; block < count; block++) {
      const node = children.get(keyOf(tokens, block))
      if (!node) break
      path.push(node)
      children = node.children
    }
    return path
  }

  #use(path: readonly Node[]): void {
    for (const node of [...path].reverse()) {
      this.#nodes.delete(node)
      this.#nodes.add(node)
    }
  }
}

function keyOf(tokens: ArrayLike<number>, block: number): string {
  let key = ''
  for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) key += `${tokens[i]},`
  return key
}

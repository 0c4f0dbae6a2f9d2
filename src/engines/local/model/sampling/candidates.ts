import { UserError } from '../../../../common/errors.ts'

/**
 * Levels of a search over the bits of a float, from the highest: the shift of a level's bits, and the bits that are known
 * before it. A bucket has the floats with equal bits at a level.
 */
const LEVELS = [
  { shift: 21, known: 0 },
  { shift: 10, known: 0xffe00000 | 0 },
  { shift: 0, known: 0xfffffc00 | 0 },
]
const BUCKETS = 2 ** 11
/** Buckets of the first level from here on have ∞, NaN and negative numbers. */
const NOT_FINITE = 0x7f800000 >>> 21

/** Sums are the same in any order: probabilities are added as multiples of 2⁻⁵², of which a double holds up to 2. */
const inUnits = (p: number): number => p + 1 - 1

/**
 * The tokens that may be drawn from a row of probabilities, with ids in ascending order. Each `keep…` keeps a prefix of
 * the order by probability (the lower id first if two are equal), without sorting: the bits of positive floats have the
 * order of their values, so a histogram over the highest bits finds the bucket in which the prefix ends, and histograms
 * over the next bits the value. Memory is reused from row to row.
 */
export class Candidates {
  #count = 0
  #values: Float32Array = new Float32Array(0)
  /** The same memory as `#values`. */
  #bits: Int32Array = new Int32Array(0)
  /** Null: 0, 1, 2, … */
  #ids: Int32Array | null = null
  readonly #own = { values: new Float32Array(0), bits: new Int32Array(0), ids: new Int32Array(0) }
  readonly #sums = new Float64Array(2 * BUCKETS)

  /** Starts with all tokens of the row `probs[at … at+size)`. */
  load(probs: Float32Array, at: number, size: number): void {
    this.#count = size
    this.#values = probs.subarray(at, at + size)
    this.#bits = new Int32Array(probs.buffer, this.#values.byteOffset, size)
    this.#ids = null
    if (this.#own.ids.length >= size) return
    const values = new Float32Array(size)
    Object.assign(this.#own, { values, bits: new Int32Array(values.buffer), ids: new Int32Array(size) })
  }

  /** The ids of the tokens that are left, ascending. */
  get tokens(): number[] {
    return Array.from({ length: this.#count }, (_, i) => (this.#ids === null ? i : this.#ids[i]!))
  }

  /** Keeps the likeliest `k`. */
  keepCount(k: number): void {
    if (k < this.#count) this.#keepPrefix(k, false)
  }

  /** Keeps the fewest likeliest whose probabilities add up to at least the share `p` of all of them. */
  keepShare(p: number): void {
    this.#keepPrefix(p, true)
  }

  /** Keeps those that are at least `share` times as likely as the likeliest. */
  keepNearTop(share: number): void {
    const [values, count] = [this.#values, this.#count]
    let top = 0
    for (let i = 0; i < count; i++)
      if (!(values[i]! <= top)) {
        if (!(values[i]! > top)) throw notADistribution()
        top = values[i]!
      }
    this.#keep(bitsOf(leastFloat(share * top)), Number.POSITIVE_INFINITY)
  }

  /**
   * The token at `u` in [0, 1) of the cumulative distribution in the order of ids, and its probability.
   *
   * @throws UserError if the row is not a distribution.
   */
  draw(u: number): { token: number; probability: number } {
    const [values, count] = [this.#values, this.#count]
    let mass = 0
    for (let i = 0; i < count; i++) mass += values[i]!
    const drawn = draw(values, 0, count, u * mass)
    return { token: this.#ids === null ? drawn : this.#ids[drawn]!, probability: values[drawn]! / mass }
  }

  /**
   * Keeps the shortest prefix of the order that has `amount` tokens or, with `ofMass`, the share `amount` of the sum of
   * all probabilities.
   */
  #keepPrefix(amount: number, ofMass: boolean): void {
    const [values, bits, sums, count] = [this.#values, this.#bits, this.#sums, this.#count]
    let target = amount
    /** The bits of the prefix's smallest value, as far as they are known; and the sum over larger values. */
    let last = 0
    let above = 0
    for (const { shift, known } of LEVELS) {
      sums.fill(0)
      for (let i = 0; i < count; i++) {
        const b = bits[i]!
        if ((b & known) !== last) continue
        // Two histograms, since adding to a number that was just written has to wait for it.
        const at = ((b >>> shift) & (BUCKETS - 1)) + (i & 1) * BUCKETS
        sums[at] = sums[at]! + (ofMass ? inUnits(values[i]!) : 1)
      }
      if (known === 0) {
        let total = 0
        for (let bucket = 0; bucket < BUCKETS; bucket++) {
          const sum = sums[bucket]! + sums[bucket + BUCKETS]!
          if (bucket >= NOT_FINITE && sum !== 0) throw notADistribution()
          total += sum
        }
        if (ofMass) target = amount * total
      }
      let bucket = BUCKETS - 1
      for (; bucket > 0; bucket--) {
        const to = above + sums[bucket]! + sums[bucket + BUCKETS]!
        if (to >= target) break
        above = to
      }
      last |= bucket << shift
    }
    this.#keep(last, stepsTo(target - above, ofMass ? inUnits(floatOf(last)) : 1))
  }

  /** Keeps the values larger than the one with the bits `last`, and the first `equal` that equal it. */
  #keep(last: number, equal: number): void {
    const [values, bits, ids, own, count] = [this.#values, this.#bits, this.#ids, this.#own, this.#count]
    const { values: toValues, ids: toIds } = own
    let left = equal
    let kept = 0
    for (let i = 0; i < count; i++) {
      const b = bits[i]!
      toIds[kept] = ids === null ? i : ids[i]!
      toValues[kept] = values[i]!
      // 1 if b > last, without a branch that no processor could predict
      kept += (last - b) >>> 31
      if (b === last && left-- > 0) kept++
    }
    this.#count = kept
    this.#values = own.values
    this.#bits = own.bits
    this.#ids = own.ids
  }
}

/**
 * Inverse of the cumulative sum of `p[at … at+size)`: where it exceeds `u`. Rounding may leave a remainder above the sum,
 * which selects the last possible item. A softmax makes all probabilities of a row NaN, or none, so only the one that is
 * drawn is checked.
 *
 * @throws UserError if these are no probabilities.
 */
export function draw(p: Float32Array, at: number, size: number, u: number): number {
  let left = u
  let last = 0
  for (let i = 0; i < size; i++) {
    const share = p[at + i]!
    if (share > 0) last = i
    left -= share
    if (left < 0) return checked(p, at, i)
  }
  if (Number.isNaN(left)) throw notADistribution()
  return checked(p, at, last)
}

/** The item, if it is possible. */
export function checked(p: Float32Array, at: number, item: number): number {
  const share = p[at + item]!
  if (!(share > 0 && share < Number.POSITIVE_INFINITY)) throw notADistribution()
  return item
}

/** The least n ≥ 1 with n·step ≥ distance. */
function stepsTo(distance: number, step: number): number {
  let n = Math.max(1, Math.ceil(distance / step))
  if (n > 1 && (n - 1) * step >= distance) n--
  if (n * step < distance) n++
  return n
}

const word = new Int32Array(1)
const float = new Float32Array(word.buffer)
const floatOf = (bits: number): number => {
  word[0] = bits
  return float[0]!
}
const bitsOf = (value: number): number => {
  float[0] = value
  return word[0]!
}

/** The least float32 that is not below a positive number. */
function leastFloat(x: number): number {
  const near = Math.fround(x)
  return near < x ? floatOf(bitsOf(near) + 1) : near
}

/** The error for a row that a softmax cannot have made of finite logits. */
function notADistribution(): UserError {
  return new UserError(
    "the model's probabilities are not finite: its training has diverged, or its weights are damaged; go back to an earlier checkpoint and lower the learning rate",
  )
}

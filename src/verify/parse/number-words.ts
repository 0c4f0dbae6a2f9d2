import type { Token } from './tokens.ts'

const SMALL: ReadonlyMap<string, bigint> = new Map(
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'
    .split(' ')
    .map((word, k) => [word, BigInt(k)]),
)
const TENS: ReadonlyMap<string, bigint> = new Map(
  'twenty thirty forty fifty sixty seventy eighty ninety'
    .split(' ')
    .map((word, k) => [word, BigInt(20 + 10 * k)]),
)
const LARGE: ReadonlyMap<string, bigint> = new Map([
  ['thousand', 1000n],
  ['million', 1_000_000n],
  ['billion', 1_000_000_000n],
])

export const isNumberWord = (word: string) => SMALL.has(word.toLowerCase()) || TENS.has(word.toLowerCase())

/** The whole number that the next tokens spell ("one hundred and twenty-five"), and how many tokens it takes. */
export function numberWords(
  peek: (ahead: number) => Token | undefined,
): { readonly value: bigint; readonly length: number } | null {
  let total = 0n
  let group = 0n
  let limit: bigint | null = null
  let length = 0
  const word = (ahead: number) => {
    const token = peek(ahead)
    return token?.kind === 'word' ? token.text.toLowerCase() : ''
  }
  for (let k = 0; ; k++) {
    const next = word(k)
    const [small, tens, large] = [SMALL.get(next), TENS.get(next), LARGE.get(next)]
    if (small !== undefined) {
      const follows =
        group % 100n === 0n || (group % 10n === 0n && group % 100n > 10n && small > 0n && small < 10n)
      if (!follows) break
      group += small
    } else if (tens !== undefined && group % 100n === 0n) group += tens
    else if (next === 'hundred' && group > 0n && group < 100n) group *= 100n
    else if (large && group > 0n && (limit === null || large < limit)) {
      total += group * large
      group = 0n
      limit = large
    } else {
      const token = peek(k)
      const before = word(k - 1)
      const after = word(k + 1)
      const hyphen = token?.kind === 'mark' && token.text === '-' && TENS.has(before) && SMALL.has(after)
      const and = token?.text === 'and' && (before === 'hundred' || LARGE.has(before)) && isNumberWord(after)
      if (k === 0 || !(hyphen || and)) break
      continue
    }
    length = k + 1
  }
  return length > 0 ? { value: total + group, length } : null
}

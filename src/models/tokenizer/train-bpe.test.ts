import { describe, expect, it } from 'vitest'
import { Random } from '../../common/random.ts'
import { trainBpe } from './bpe.ts'

const train = (texts: string[], merges: number, specialTokens: string[] = []) =>
  trainBpe(texts, { vocabSize: 256 + merges + specialTokens.length, specialTokens }).merges.map((m) =>
    m.join('+'),
  )

describe('trainBpe', () => {
  it.each<[string, string[], number, string[]]>([
    ['the most frequent pair first, recounted after each merge', ['ab ab ab cd cd'], 2, ['a+b', 'Ġ+c']],
    ['ties go to the lower ids', ['zy zy ba ba'], 3, ['Ġ+b', 'z+y', 'Ġb+a']],
    ['equal neighbours are merged from the left', ['aaaa aaaa'], 2, ['a+a', 'aa+aa']],
    ['digits are never merged', ['1212 1212 1212 1212'], 5, []],
    ['a pair must occur twice', ['abcdef'], 5, []],
    ['bytes of other scripts', ['我我 我我'], 2, ['Ī+ĳ', 'æ+Īĳ']],
  ])('%s', (_, texts, merges, expected) => {
    expect(train(texts, merges)).toEqual(expected)
  })

  it('never merges across special tokens', () => {
    const merges = train(['x<think>y x<think>y x<think>y'], 20, ['<think>'])
    expect(merges).toEqual(['Ġ+x'])
  })

  it('has every byte, and ids in the order of the merges', () => {
    const { vocab, merges } = trainBpe(['the thing that they think'], { vocabSize: 260, specialTokens: [] })
    expect([...vocab.values()]).toEqual(Array.from({ length: 256 + merges.length }, (_, i) => i))
    expect(vocab.get('t')).toBe('t'.charCodeAt(0))
    expect(vocab.get('Ġ')).toBe(32)
    expect(merges[0]).toEqual(['t', 'h'])
    expect(vocab.get('th')).toBe(256)
  })

  it('equals the textbook algorithm that recounts everything for every merge', () => {
    const random = new Random('bpe')
    const text = Array.from({ length: 400 }, () =>
      Array.from({ length: random.int(1, 7) }, () => random.pick([...'abcd'])).join(''),
    ).join(' ')
    expect(train([text], 60)).toEqual(textbook(text, 60))
  })

  it('refuses a vocabulary without room for the bytes', () => {
    expect(() => trainBpe([], { vocabSize: 256, specialTokens: ['<eos>'] })).toThrow(
      'vocabulary size 256 is too small: 256 bytes and 1 special tokens need 257',
    )
  })
})

/** Sennrich et al. 2016, algorithm 1, on words of lower-case letters. */
function textbook(text: string, count: number): string[] {
  let words = text.match(/ ?[a-d]+/g)!.map((w) => [...w.replace(' ', 'Ġ')])
  const ids = new Map<string, number>([
    ['Ġ', 32],
    ...[...'abcd'].map((c): [string, number] => [c, c.charCodeAt(0)]),
  ])
  const merges: string[] = []
  for (let n = 0; n < count; n++) {
    const counts = new Map<string, number>()
    for (const w of words)
      for (let i = 0; i + 1 < w.length; i++)
        counts.set(`${w[i]}+${w[i + 1]}`, (counts.get(`${w[i]}+${w[i + 1]}`) ?? 0) + 1)
    const order = (pair: string) => pair.split('+').map((t) => ids.get(t)!)
    const best = [...counts].sort(([p, a], [q, b]) => {
      const [l, r, m, s] = [...order(p), ...order(q)] as [number, number, number, number]
      return b - a || l - m || r - s
    })[0]!
    if (best[1] < 2) break
    const [left, right] = best[0].split('+') as [string, string]
    merges.push(best[0])
    ids.set(left + right, 256 + n)
    words = words.map((w) => {
      const out: string[] = []
      for (let i = 0; i < w.length; i++) {
        if (w[i] === left && w[i + 1] === right) {
          out.push(left + right)
          i++
        } else out.push(w[i]!)
      }
      return out
    })
  }
  return merges
}

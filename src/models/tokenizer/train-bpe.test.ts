import { describe, expect, it } from 'vitest'
import { Random } from '../../common/random.ts'
import { mergesOf, trainBpe } from './train-bpe.ts'

const train = (texts: string[], size: number, specialTokens: string[] = []) =>
  trainBpe(texts, { size, specialTokens })

describe('trainBpe', () => {
  it.each<[string, string[], string[]]>([
    [
      'the most frequent pair first, recounted after each merge',
      ['ab ab ab cd cd'],
      ['ab', 'cd', '▁ab', '▁cd'],
    ],
    ['ties go to the first in the order of code units', ['zy zy ba ba'], ['ba', 'zy', '▁ba']],
    ['equal neighbours are merged from the left', ['aaaa aaaa'], ['aa', 'aaaa']],
    ['digits are never merged', ['1212 1212 1212 1212'], []],
    ['a pair must occur twice', ['abcdef xbcy'], ['bc']],
    ['characters of other scripts', ['我我们 我我们'], ['我们', '我我们']],
    ['a space or a mark at the front of a word', [' ab(ab ab(ab'], ['ab', '(ab', '▁ab']],
    ['spaces stay alone', ['    a    a'], ['▁a']],
    ['line ends after punctuation', ['.\n.\n'], ['.\n']],
  ])('%s', (_, texts, expected) => {
    expect(train(texts, 100).merged).toEqual(expected)
  })

  it('has the characters that occur more than once, most frequent first', () => {
    expect(train(['cab cab c!'], 100).characters).toEqual(['c', 'a', 'b', '▁'])
  })

  it('keeps the most frequent characters if there is no room for all, and merges only these', () => {
    expect(train(['xy xy xy z'], 2)).toEqual({ characters: ['x', 'y'], merged: [] })
    expect(train(['zxy xy\nxy z'], 3).merged).toEqual([])
  })

  it('never merges across special tokens', () => {
    expect(train(['x<think>y x<think>y x<think>y'], 20, ['<think>']).merged).toEqual(['▁x'])
  })

  it('equals the textbook algorithm that recounts everything for every merge', () => {
    const random = new Random('bpe')
    const text = Array.from({ length: 400 }, () =>
      Array.from({ length: random.int(1, 7) }, () => random.pick([...'abcd'])).join(''),
    ).join(' ')
    expect(train([text], 60).merged).toEqual(textbook(text, 60))
  })

  it('refuses a vocabulary without room for a piece', () => {
    expect(() => train([], 0)).toThrow('a vocabulary needs room for one piece at least; there is room for 0')
  })
})

describe('mergesOf', () => {
  it('has all pairs that make a piece, in the order of the pieces', () => {
    const merges = mergesOf({ merged: ['ab', 'bc', 'abc'], characters: ['a', 'b', 'c'] })
    expect(merges.map((pair) => pair.join(' '))).toEqual(['a b', 'b c', 'a bc', 'ab c'])
  })

  it('gives the same pieces in the order of its list as in the order of what the pairs make', () => {
    let several = 0
    for (let i = 0; i < 150; i++) {
      const random = new Random('merges', i)
      const pieces = [...'abc']
      while (pieces.length < 12) {
        const piece = random.pick(pieces) + random.pick(pieces)
        if (!pieces.includes(piece)) pieces.push(piece)
      }
      const model = { merged: pieces.slice(3), characters: [...'abc'] }
      const merges = mergesOf(model).map(([left, right]) => `${left} ${right}`)
      several += merges.length - model.merged.length
      for (let n = 0; n < 30; n++) {
        const text = Array.from({ length: random.int(1, 24) }, () => random.pick([...'abc'])).join('')
        const byPiece = encode(text, (left, right) => model.merged.indexOf(left + right))
        const byList = encode(text, (left, right) => merges.indexOf(`${left} ${right}`))
        expect(byPiece).toEqual(byList)
      }
    }
    expect(several).toBeGreaterThan(200)
  })
})

/** BPE as it is defined: the pair with the lowest rank, and of these the leftmost, is merged until none has a rank (-1). */
function encode(text: string, rankOf: (left: string, right: string) => number): string[] {
  const pieces = [...text]
  for (;;) {
    let best = { rank: Number.POSITIVE_INFINITY, at: -1 }
    for (let at = 0; at + 1 < pieces.length; at++) {
      const rank = rankOf(pieces[at]!, pieces[at + 1]!)
      if (rank >= 0 && rank < best.rank) best = { rank, at }
    }
    if (best.at < 0) return pieces
    pieces.splice(best.at, 2, pieces[best.at]! + pieces[best.at + 1]!)
  }
}

/** Sennrich et al. 2016, algorithm 1, on words of the letters a to d, with pairs counted by the piece that they make. */
function textbook(text: string, size: number): string[] {
  let words = text.match(/ ?[a-d]+/g)!.map((w) => [...w.replace(' ', '▁')])
  const characters = [...'▁abcd']
  const merged: string[] = []
  while (merged.length + characters.length < size) {
    const counts = new Map<string, number>()
    for (const w of words)
      for (let i = 0; i + 1 < w.length; i++)
        counts.set(w[i]! + w[i + 1]!, (counts.get(w[i]! + w[i + 1]!) ?? 0) + 1)
    const best = [...counts].sort(([p, a], [q, b]) => b - a || (p < q ? -1 : 1))[0]!
    if (best[1] < 2) break
    const piece = best[0]
    if (!merged.includes(piece)) merged.push(piece)
    words = words.map((w) => {
      const out: string[] = []
      for (let i = 0; i < w.length; i++) {
        if (i + 1 < w.length && w[i]! + w[i + 1]! === piece) {
          out.push(piece)
          i++
        } else out.push(w[i]!)
      }
      return out
    })
  }
  return merged
}

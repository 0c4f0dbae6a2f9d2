import { describe, expect, test } from 'vitest'
import { Random } from '../../common/random.ts'
import { FORMATS, type FormatName } from './formats.ts'
import { type ParserOptions, type Piece, parseThinking, ThinkingParser } from './parser.ts'

/** The parts of a text that comes in these chunks, as "t:…" and "a:…". */
function parts(chunks: readonly string[], options: ParserOptions = {}): string[] {
  const parser = new ThinkingParser(options)
  return joined([...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.end()])
}

function joined(pieces: readonly Piece[]): string[] {
  const all: [Piece['type'], string][] = []
  for (const { type, text } of pieces) {
    expect(text).not.toBe('')
    const last = all.at(-1)
    if (last?.[0] === type) last[1] += text
    else all.push([type, text])
  }
  return all.map(([type, text]) => `${type[0]}:${text}`)
}

const FENCED = '```xml\n<think>x</think>\n```'
const prose = 'Here is my thought process:\n\nhm\n\nHere is my response:\n\nHi.'

const CASES: [string, readonly string[], ParserOptions?][] = [
  ['', []],
  ['Hi', ['a:Hi']],
  [' \n', ['a: \n']],
  ['<think>a</think>b', ['t:a', 'a:b']],
  ['\n <think>\na\n</think>\n\nb\n', ['t:a', 'a:b\n']],
  // white space in the middle stays as it is
  ['<think>\na \n\n b\n</think>c \n d ', ['t:a \n\n b', 'a:c \n d ']],
  // no thinking
  ['<think>\n\n</think>\n\nHi', ['a:Hi']],
  ['<think></think>Hi', ['a:Hi']],
  // it never ends
  ['<think>cut', ['t:cut']],
  ['<think>cut </thin', ['t:cut </thin']],
  ['<think>', []],
  // the prompt began it
  ['a</think>b', ['t:a', 'a:b'], { opened: true }],
  ['\na', ['t:a'], { opened: true }],
  ['</think>b', ['a:b'], { opened: true }],
  ['<think>\na</think>b', ['t:a', 'a:b'], { opened: true }],
  // the prompt began it, but nobody said so
  ['a\n</think>\n\nb', ['a:a\nb']],
  ['a\n</think>\n\nb', ['t:a', 'a:b'], { opened: 'auto' }],
  ['</think>b', ['a:b'], { opened: 'auto' }],
  ['b', ['a:b'], { opened: 'auto' }],
  ['<think>a</think>b', ['t:a', 'a:b'], { opened: 'auto' }],
  ['b <think>a</think> c', ['a:b ', 't:a', 'a:c'], { opened: 'auto' }],
  ['Write `</think>` here.', ['a:Write `</think>` here.'], { opened: 'auto' }],
  ['```\ncut\n</think>b', ['t:```\ncut', 'a:b'], { opened: 'auto' }],
  ['say "cut</think>b', ['t:say "cut', 'a:b'], { opened: 'auto' }],
  [`${FENCED}\nb`, [`a:${FENCED}\nb`], { opened: 'auto' }],
  // several blocks
  ['<think>a</think>b<think>c</think>d', ['t:a', 'a:b', 't:\nc', 'a:\nd']],
  ['<think>a</think>\n\n<think>c</think>\n\nd', ['t:a\nc', 'a:d']],
  ['b\n\n<think>c</think>\n\nd', ['a:b\n\n', 't:c', 'a:d']],
  // code and quotations in the answer
  ['Use `<think>` and `</think>`.', ['a:Use `<think>` and `</think>`.']],
  ['``a ` <think>`` <think>b</think>', ['a:``a ` <think>`` ', 't:b']],
  [`${FENCED}\n<think>b</think>c`, [`a:${FENCED}\n`, 't:b', 'a:c']],
  ['~~~\n<think>\n~~~\n<think>b', ['a:~~~\n<think>\n~~~\n', 't:b']],
  ['````\n```\n<think>\n````\n<think>b', ['a:````\n```\n<think>\n````\n', 't:b']],
  ['1. so:\n   ```\n   <think>\n   ```\nc', ['a:1. so:\n   ```\n   <think>\n   ```\nc']],
  ['```\n<think>never closed', ['a:```\n<think>never closed']],
  ['```a``` <think>b</think>', ['a:```a``` ', 't:b']],
  ['a:\n\n    <think>\nb', ['a:a:\n\n    <think>\nb']],
  ['> <think>\nb', ['a:> <think>\nb']],
  ['He wrote "a <think> b".', ['a:He wrote "a <think> b".']],
  ['{"text":"<think>a</think>"}', ['a:{"text":"<think>a</think>"}']],
  ["The '<think>' tag", ["a:The '<think>' tag"]],
  ['“<think>” and «</think>» and 「<think>」', ['a:“<think>” and «</think>» and 「<think>」']],
  // what is not closed in its line protects nothing after it
  ['a ` b\n<think>c</think>', ['a:a ` b\n', 't:c']],
  ['a 5" b "c\n<think>c</think>', ['a:a 5" b "c\n', 't:c']],
  ['a 5" screen <think>c</think>', ['a:a 5" screen ', 't:c']],
  // in the thinking, the first end counts, except in code and quotations that go on with it or began it
  ['<think>a<think>b</think>c', ['t:a<think>b', 'a:c']],
  ['<think>a<think>b</think>c</think>d', ['t:a<think>b', 'a:c\nd']],
  ['<think>the <think> tag</think>b', ['t:the <think> tag', 'a:b']],
  ['<think>end with `</think>`.</think>b', ['t:end with `</think>`.', 'a:b']],
  ['<think>say "</think>"</think>b', ['t:say "</think>"', 'a:b']],
  ["<think>say '</think>'</think>b", ["t:say '</think>'", 'a:b']],
  // a string in code
  [
    '<think>```py\ns.split("</think>")[-1]\n```\nok</think>b',
    ['t:```py\ns.split("</think>")[-1]\n```\nok', 'a:b'],
  ],
  ['<think>`s.split("</think>")`, ok</think>b', ['t:`s.split("</think>")`, ok', 'a:b']],
  ['<think>```py\nprint("\n</think>b', ['t:```py\nprint("', 'a:b']],
  ['<think>`<think>…</think> x`</think>b', ['t:`<think>…</think> x`', 'a:b']],
  [`<think>${FENCED}</think>b`, [`t:${FENCED}`, 'a:b']],
  ['<think>```\ncut</think>b', ['t:```\ncut', 'a:b']],
  ['<think>a ` cut</think>b', ['t:a ` cut', 'a:b']],
  ['<think>"cut</think>b', ['t:"cut', 'a:b']],
  ['<think>"cut</think>', ['t:"cut']],
  ['<think>`<think> cut\n"cut</think>b', ['t:`<think> cut\n"cut', 'a:b']],
  // what only looks like a delimiter
  ['a <thinking> </thinks>< think><THINK>', ['a:a <thinking> </thinks>< think><THINK>']],
  ['<<<think>a<</think>b<', ['a:<<', 't:a<', 'a:\nb<']],
  ['1 < 2 <t', ['a:1 < 2 <t']],
  ['😀<think>🤔</think>😀', ['a:😀', 't:🤔', 'a:\n😀']],
  // other formats
  ['[THINK]a[/THINK]b', ['t:a', 'a:b'], { format: 'magistral' }],
  ['<think>a</think>', ['a:<think>a</think>'], { format: 'magistral' }],
  [' <think>a</think> <answer> 7 </answer>\n', ['t:a', 'a:7'], { format: 'r1-zero' }],
  ['<think>a</think>7', ['t:a', 'a:7'], { format: 'r1-zero' }],
  ['<think>a<answer>7</answer>', ['t:a', 'a:7'], { format: 'r1-zero' }],
  // an answer may end in code or a quotation that is not closed on a line of its own
  ['<think>a</think><answer>```py\nx\n```</answer>', ['t:a', 'a:```py\nx\n```'], { format: 'r1-zero' }],
  ['<think>a</think><answer>```py\nx</answer>', ['t:a', 'a:```py\nx'], { format: 'r1-zero' }],
  ['<think>a</think><answer>say "x</answer>', ['t:a', 'a:say "x'], { format: 'r1-zero' }],
  [
    '<answer>`</answer>` and "<answer>x</answer>, "</answer>',
    ['a:`</answer>` and "<answer>x</answer>, "'],
    { format: 'r1-zero' },
  ],
  [
    '<think>as `<answer>1</answer>`</think><answer>7</answer>',
    ['t:as `<answer>1</answer>`', 'a:7'],
    { format: 'r1-zero' },
  ],
  ['<think>a</think><response>> b</response>', ['t:a', 'a:> b'], { format: 'granite-3.3' }],
  ['<think>a</think><response>b</response>', ['t:a', 'a:b'], { format: 'granite-3.3' }],
  [prose, ['t:hm', 'a:Hi.'], { format: 'granite' }],
  [prose.replaceAll('Here is', "Here's"), ['t:hm', 'a:Hi.'], { format: 'granite' }],
  [`Yes. ${prose}`, [`a:Yes. ${prose}`], { format: 'granite' }],
  [`${prose} ${prose}`, ['t:hm', `a:Hi. ${prose}`], { format: 'granite' }],
  ['◁think▷a◁/think▷b', ['t:a', 'a:b'], { format: 'kimi' }],
  [
    '<seed:think>a<seed:cot_budget_reflect>b</seed:cot_budget_reflect></seed:think>c',
    ['t:a<seed:cot_budget_reflect>b</seed:cot_budget_reflect>', 'a:c'],
    { format: 'seed-oss' },
  ],
  [
    '<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>b<|END_RESPONSE|>',
    ['t:a', 'a:b'],
    { format: 'cohere' },
  ],
  ['<|channel>thought\na<channel|>b', ['t:a', 'a:b'], { format: 'gemma' }],
  [
    'Here are my reasoning steps:\na\n[BEGIN FINAL RESPONSE]\nb\n[END FINAL RESPONSE]\n<|end|>',
    ['t:a', 'a:b\n'],
    { format: 'apriel' },
  ],
  [
    'a\n[BEGIN FINAL RESPONSE]\n`b`, `c[END FINAL RESPONSE]',
    ['t:a', 'a:`b`, `c'],
    { format: 'apriel', opened: true },
  ],
  // channels
  [
    '<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b<|return|>',
    ['t:a', 'a:b'],
    { format: 'gpt-oss' },
  ],
  ['<|channel|>final<|message|>b', ['a:b'], { format: 'gpt-oss' }],
  ['<|channel|>final<|message|>```\nb\n```<|return|>', ['a:```\nb\n```'], { format: 'gpt-oss' }],
  [
    '<|channel|>commentary<|message|>"b<|end|><|start|>assistant<|channel|>analysis<|message|>a',
    ['a:"b', 't:a'],
    { format: 'gpt-oss' },
  ],
  [
    'a<|end|><|start|>assistant<|channel|>final<|message|>b',
    ['t:a', 'a:b'],
    { format: 'gpt-oss', opened: true },
  ],
  [
    '<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary<|message|>I look.<|end|>' +
      '<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>',
    ['t:a', 'a:I look.', 't:\n{}'],
    { format: 'gpt-oss' },
  ],
  ['<|channel|>analysis<|message|>a<|end|><|start|>assistant<|chan', ['t:a'], { format: 'gpt-oss' }],
  [`<|channel|>${'x'.repeat(600)}`, [`a:<|channel|>${'x'.repeat(600)}`], { format: 'gpt-oss' }],
  // formats of one's own
  [
    '((a))b',
    ['t:a', 'a:b'],
    { format: { name: 'mine', thinking: { start: '((', end: '))' }, answer: null } },
  ],
  [
    '||a||b||c',
    ['t:a', 'a:b', 't:\nc'],
    { format: { name: 'mine', thinking: { start: '||', end: '||' }, answer: null } },
  ],
]

describe('a text is split', () => {
  test.each(CASES)('%j', (text, expected, options) => {
    expect(parts([text], options)).toEqual(expected)
    expect(parts(text.split(''), options)).toEqual(expected)
    for (let i = 1; i < text.length; i++)
      expect(parts([text.slice(0, i), text.slice(i)], options)).toEqual(expected)
  })

  test.each(Object.keys(FORMATS) as FormatName[])('%s, at every place', (format) => {
    const { thinking, answer }: (typeof FORMATS)['deepseek'] = FORMATS[format]
    const text = `${thinking.start}\na b\n${thinking.end}\n${answer?.start ?? ''}c d${answer?.end ?? ''}`
    const continued = text.slice(thinking.start.length)
    for (let i = 0; i < text.length; i++) {
      expect(parts([text.slice(0, i), text.slice(i)], { format })).toEqual(['t:a b', 'a:c d'])
      expect(parts([continued.slice(0, i), continued.slice(i)], { format, opened: true })).toEqual([
        't:a b',
        'a:c d',
      ])
      expect(parts([continued.slice(0, i), continued.slice(i)], { format, opened: 'auto' })).toEqual([
        't:a b',
        'a:c d',
      ])
    }
  })
})

/** Fragments of delimiters, code, quotations, white space and Unicode. */
const FRAGMENTS =
  '<think>|</think>|<|</|<th|ink>|think>|[THINK]|[/THINK]|[|<answer>|</answer>|`|``|```|\n```\n|```js\n|~~~\n|\n|\n\n|    |> |"|\'|“|”|«|»| |a|b c|5"|😀|\ud83d|\ude00|é|是|<|channel|>analysis<|message|>'
    .split('|')
    .concat(
      '<|channel|>',
      '<|start|>assistant',
      'analysis',
      'final',
      '<|message|>',
      '<|end|>',
      ' to=f',
      '\r\n',
      '\t',
    )
    .concat('Here is my thought process:', 'Here is my response:', 'Here is my ', '◁think▷', '◁/think▷', '◁')

test('100,000 random streams: however a text is cut, the pieces hold the same', () => {
  const random = new Random('streams')
  const names = Object.keys(FORMATS) as FormatName[]
  const pick = <T>(list: readonly T[]): T => list[random.int(0, list.length - 1)]!
  for (let run = 0; run < 100_000; run++) {
    const text = Array.from({ length: random.int(1, 12) }, () => pick(FRAGMENTS)).join('')
    const options: ParserOptions = {
      format: run % 2 === 0 ? 'deepseek' : pick(names),
      opened: pick([true, false, 'auto'] as const),
    }
    const [whole, cut] = [new ThinkingParser(options), new ThinkingParser(options)]
    const expected = texts([...whole.push(text), ...whole.end()])
    const pieces: Piece[] = []
    for (let at = 0; at < text.length; ) {
      const next = at + random.int(1, 8)
      pieces.push(...cut.push(text.slice(at, next)))
      at = next
    }
    pieces.push(...cut.end())
    const found = texts(pieces)
    if (JSON.stringify(found) !== JSON.stringify(expected)) expect({ text, options, found }).toEqual(expected)
    if (cut.type !== whole.type || cut.blocks !== whole.blocks) expect.fail(JSON.stringify({ text, options }))
    if (pieces.some((piece) => /^[\udc00-\udfff]|[\ud800-\udbff]$/.test(piece.text) && wellFormed(text)))
      expect.fail(`a pair of surrogates is cut: ${JSON.stringify({ text, pieces })}`)
  }
})

const wellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text)

function texts(pieces: readonly Piece[]): [Piece['type'], string][] {
  const all: [Piece['type'], string][] = []
  for (const { type, text } of pieces) {
    const last = all.at(-1)
    if (last?.[0] === type) last[1] += text
    else all.push([type, text])
  }
  return all
}

test('text is withheld only while it may belong to a delimiter', () => {
  const parser = new ThinkingParser()
  const texts = (chunk: string) => parser.push(chunk).map(({ text }) => text)
  expect(texts('a')).toEqual(['a'])
  expect(texts(' <')).toEqual([' '])
  expect(texts('b')).toEqual(['<b'])
  expect(texts('<thin')).toEqual([])
  expect(texts('g')).toEqual(['<thing'])
  expect(texts(' <think>  c')).toEqual([' ', 'c'])
  expect(texts('d e')).toEqual(['d e'])
  expect(texts(' \n')).toEqual([])
  expect(texts('f </')).toEqual([' \nf'])
  expect(texts('think>g')).toEqual(['g'])
})

test('what comes next, and how many parts of thinking there were', () => {
  const parser = new ThinkingParser()
  expect([parser.type, parser.blocks]).toEqual(['answer', 0])
  parser.push('<think>\n')
  expect([parser.type, parser.blocks]).toEqual(['thinking', 1])
  parser.push('</think>a<think>')
  expect([parser.type, parser.blocks]).toEqual(['thinking', 2])
})

test('a delimiter that is empty is refused', () => {
  const format = { name: 'mine', thinking: { start: '', end: 'x' }, answer: null }
  expect(() => new ThinkingParser({ format })).toThrow('the thinking format mine has an empty delimiter')
})

test.each<[string, ParserOptions, string | null, string | null]>([
  ['<think>a</think>b', {}, 'a', 'b'],
  ['a\n</think>\nb', {}, 'a', 'b'],
  ['b', {}, null, 'b'],
  ['<think>a', {}, 'a', null],
  ['<think>a</think>', {}, 'a', ''],
  ['<think>\n</think>b', {}, '', 'b'],
  ['b<think>a', {}, 'a', 'b'],
  ['b', { opened: true }, 'b', null],
])('the whole text %j, %j', (text, options, thinking, answer) => {
  expect(parseThinking(text, options)).toEqual({ thinking, answer })
})

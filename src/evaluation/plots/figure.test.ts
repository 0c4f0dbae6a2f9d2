import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { CellResult, Results, TrainingPoint } from '../results.ts'
import { difficulty } from './difficulty.ts'
import { drawFigures } from './draw.ts'
import { drawFigure } from './figure.ts'
import { short } from './short.ts'
import { testCompute } from './test-compute.ts'
import { trainCompute } from './train-compute.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-figures-'))
afterAll(() => rmSync(folder, { recursive: true }))

const around = (mean: number, spread = 0.05) => ({ mean, low: mean - spread, high: mean + spread })

function cell(changes: Partial<CellResult> & { readonly right: number }): CellResult {
  const { right, ...rest } = changes
  return {
    strategy: 'vote',
    budget: null,
    effort: null,
    model: 'zero-1',
    format: 'r1-zero',
    task: 'miniature',
    sampling: { temperature: 1 },
    training: null,
    responses: 1,
    keys: ['a'],
    seeds: [0],
    samples: 16,
    questions: 50,
    unknown: 0,
    passAt1: around(right),
    standardError: 0.02,
    kinds: {},
    kindQuestions: {},
    atK: [1, 4, 16].map((k, i) => ({ k, pass: around(right + 0.1 * i), cons: around(right + 0.08 * i) })),
    thinkingTokens: around(rest.budget ?? 70, 3),
    completionTokens: around(90, 3),
    form: { wellFormed: 1, reflection: 0, reflectionPerResponse: 0, mixed: 0, cut: 0 },
    difficulties: ['fill/1', 'fill/2'].map((name, i) => ({
      name,
      questions: 10,
      accuracy: around(right - 0.1 * i),
      thinkingTokens: around(30 + 20 * i, 4),
    })),
    values: [],
    ...rest,
  }
}

const results = (cells: readonly CellResult[], changes: Partial<Results> = {}): Results => ({
  version: 1,
  ruminate: '0.1.0',
  created: '',
  seconds: 1,
  difficulty: { miniature: 'kind' },
  cells,
  recorded: [],
  ...changes,
})

const at = (step: number, flops: number | null = step * 1e11): TrainingPoint => ({
  run: 'zero-1',
  step,
  flops,
  tokens: step * 1000,
})

test('accuracy against votes, budgets and thinking tokens, with a line for each budget', () => {
  const figure = testCompute(
    results([cell({ right: 0.3, budget: 16 }), cell({ right: 0.5, budget: 64 }), cell({ right: 0.6 })]),
  )!
  const [votes, budgets, tokens] = figure.panels
  expect(votes!.series.map(({ name, points }) => [name, points.map(({ x }) => x)])).toEqual([
    ['≤ 16 tokens', [1, 4, 16]],
    ['≤ 64 tokens', [1, 4, 16]],
    ['no limit', [1, 4, 16]],
  ])
  expect(budgets!.series.map(({ name, points }) => [name, points.map(({ y }) => y.toFixed(2))])).toEqual([
    ['pass@1', ['0.30', '0.50', '0.60']],
    ['cons@16', ['0.46', '0.66', '0.76']],
  ])
  expect([...budgets!.x.ticks!.values()]).toEqual(['16', '64', 'no limit'])
  // 4 votes take 4 times the tokens
  expect(tokens!.series[0]!.points.map(({ x }) => x)).toEqual([16, 64, 256])
})

test('several models are lines of one picture', () => {
  const figure = testCompute(results([cell({ right: 0.3 }), cell({ right: 0.5, model: 'zero-2' })]))!
  expect(figure.panels[0]!.series.map(({ name }) => name)).toEqual(['zero-1', 'zero-2'])
  const svg = drawFigure(figure)
  expect(svg).toContain('>zero-1<')
  expect(svg).toContain('>zero-2<')
})

test('accuracy against training compute: the untrained model has a place at the left, recorded evaluations are dashed', () => {
  const cells = [0, 20, 200].map((step) => cell({ right: 0.1 + step / 300, training: at(step) }))
  const recorded = [0, 40].map((step) => ({
    ...at(step),
    task: 'miniature',
    passAt1: 0.2,
    standardError: 0.02,
  }))
  const [panel] = trainCompute(results(cells, { recorded }))!.panels
  expect(panel!.x.label).toBe('training compute (FLOPs)')
  expect(panel!.series.map(({ name, dashed }) => [name, dashed])).toEqual([
    ['pass@1', false],
    ['cons@16', false],
    ['recorded while training', true],
  ])
  const [first, second] = panel!.series[0]!.points.map(({ x }) => x)
  expect(panel!.x.ticks!.get(first!)).toBe('0')
  expect(second).toBe(20e11)
  expect(panel!.series[2]!.points[0]!.low).toBeCloseTo(0.16, 12)
})

test('where the compute is not known, the axis shows tokens', () => {
  const cells = [20, 40].map((step) => cell({ right: 0.5, training: at(step, null) }))
  expect(trainCompute(results(cells))!.panels[0]!.x.label).toBe('training tokens')
})

test('what was not varied has no picture', () => {
  const one = cell({ right: 0.5, atK: [{ k: 1, pass: around(0.5), cons: around(0.5) }], difficulties: [] })
  expect([trainCompute(results([one])), testCompute(results([one])), difficulty(results([one]))]).toEqual([
    null,
    null,
    null,
  ])
})

test('quarters by the measured accuracy are named as such', () => {
  const figure = difficulty(results([cell({ right: 0.5 })], { difficulty: { miniature: 'quarter' } }))!
  expect(figure.title).toContain('measured difficulty')
  expect(figure.note).toContain('does not say how hard its questions are')
})

test('a drawing is self-contained, describes all its numbers, and has both light and dark colours', () => {
  const svg = drawFigure(testCompute(results([cell({ right: 0.5 })]))!)
  expect(svg).toMatch(/^<svg (?=[^>]*role="img")(?=[^>]*aria-labelledby="title desc")/)
  expect(svg).toContain('1: 50.0 % (45.0 to 55.0 %)')
  expect(svg).toContain('prefers-color-scheme: dark')
  expect(svg).not.toMatch(/<image|<script|href=|NaN|undefined/)
})

test('pictures are written as SVG and PNG, and those of an earlier command removed', async () => {
  const cells = [20, 40].map((step) => cell({ right: 0.5, training: at(step) }))
  expect(await drawFigures(folder, results(cells))).toEqual([
    'train-compute.svg',
    'test-compute.svg',
    'difficulty.svg',
  ])
  const png = readFileSync(join(folder, 'test-compute.png'))
  expect([...png.subarray(0, 8)]).toEqual([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  expect(png.readUInt32BE(16)).toBe(1800)
  expect(png.readUInt32BE(20)).toBeGreaterThan(600)
  expect(await drawFigures(folder, results([cell({ right: 0.5 })]))).toEqual([
    'test-compute.svg',
    'difficulty.svg',
  ])
  expect(existsSync(join(folder, 'train-compute.png'))).toBe(false)
})

test.each([
  [0.25, '0.25'],
  [1500, '1,500'],
  [2e13, '2·10¹³'],
  [1e12, '10¹²'],
])('%d is written as %s', (value, text) => expect(short(value)).toBe(text))

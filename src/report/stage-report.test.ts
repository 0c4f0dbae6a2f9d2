import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import type { StageMeasure } from '../stages/evaluate/scenarios.ts'
import type { WinRate } from '../stages/evaluate/win-rate.ts'
import { combineReports } from './combine-stages.ts'
import type { RunStages, StageReport } from './stage-metrics.ts'
import { plots } from './stage-plots.ts'
import { markdownReport, writeReport } from './stage-report.ts'
import { markdownTable, textTable } from './stage-tables.ts'

const conditions: StageMeasure['asked'] = {
  template: 'chat',
  temperature: 0.6,
  topP: 0.95,
  seed: 0,
  samples: 4,
  reasoning: 120,
  easy: { kinds: ['arithmetic/2'], questions: 20 },
  hard: { kinds: ['arithmetic/4', 'fill/3'], questions: 40 },
  simple: 40,
  harmful: 20,
  harmless: 20,
}
const unknown: StageMeasure = {
  passAt1: null,
  standardError: null,
  majority: null,
  format: null,
  language: null,
  readable: null,
  mixed: null,
  easyTokens: null,
  hardTokens: null,
  simpleDirect: null,
  harmfulRefused: null,
  harmlessRefused: null,
  helpful: null,
  asked: conditions,
}
const wins: WinRate = { rate: 0.75, standardError: 0.05, win: 6, tie: 0, loss: 2, unknown: 1 }
const base: StageMeasure = {
  ...unknown,
  passAt1: 0.25,
  standardError: 0.019,
  majority: 0,
  format: 0.7,
  asked: { ...conditions, template: 'r1-zero' },
}
const run = (seed: number, of: Partial<StageMeasure> = {}): RunStages => ({
  seed,
  stages: [
    { stage: 'Base', measure: base },
    {
      stage: 'Step 1, cold start',
      measure: {
        ...unknown,
        passAt1: 0.5,
        easyTokens: 40,
        hardTokens: 62.5,
        language: 1,
        helpful: wins,
        ...of,
      },
    },
    { stage: 'Student, distilled', student: true, measure: { ...unknown, passAt1: 0.4 } },
  ],
})
const text = (report: StageReport, width?: number) =>
  stripVTControlCharacters(textTable(report, width === undefined ? {} : { width }))

test('one run: standard errors over its questions, – for unknown values', () => {
  expect(text(combineReports([run(7)]))).toMatchInlineSnapshot(`
    "                              Step 1,
                                     cold   Student,
                            Base    start  distilled
      ──────────────────────────────────────────────
      Reasoning
      pass@1                25.0     50.0       40.0
                            ±1.9
      majority               0.0        –          –

      Form
      well formed           70.0        –          –
      language consistency     –    100.0          –
      mixed languages          –        –          –
      readable                 –        –          –

      Length, in tokens
      easy questions           –     40.0          –
      hard questions           –     62.5          –

      All scenarios
      simple: no thinking      –        –          –
      win rate, helpful        –     75.0          –
                                     ±5.0
      refuses harmful          –        –          –
      refuses harmless         –        –          –

      Shares in %; ± is the standard error over the questions; – is unknown. Seed 7."
  `)
})

test('several runs: mean and standard deviation, * if a value is known in only some of them', () => {
  const runs = [
    run(0),
    run(1, { passAt1: 0.7, helpful: null, harmfulRefused: 1 }),
    run(2, { passAt1: 0.9, language: 0.97 }),
  ]
  const report = combineReports(runs)
  const { cells } = report.stages[1]!
  // s² = (0.2² + 0 + 0.2²) / 2
  expect(cells.passAt1.mean).toBeCloseTo(0.7, 12)
  expect(cells.passAt1.spread).toBeCloseTo(0.2, 12)
  expect(cells.helpful).toEqual({ mean: 0.75, spread: 0, runs: 2 })
  expect(cells.harmfulRefused).toEqual({ mean: 1, spread: null, runs: 1 })
  expect(cells.harmlessRefused).toEqual({ mean: null, spread: null, runs: 0 })
  // (1 + 1 + 0.97) / 3, √((2 · 0.01² + 0.02²) / 2) = 0.01732
  expect(markdownTable(report)).toMatchInlineSnapshot(`
    "|  |  | Base | Step 1, cold start | Student, distilled |
    | --- | --- | ---: | ---: | ---: |
    | **Reasoning** | pass@1 | 25.0 ±0.0 | 70.0 ±20.0 | 40.0 ±0.0 |
    |  | majority | 0.0 ±0.0 | – | – |
    | **Form** | well formed | 70.0 ±0.0 | – | – |
    |  | language consistency | – | 99.0 ±1.7 | – |
    |  | mixed languages | – | – | – |
    |  | readable | – | – | – |
    | **Length, in tokens** | easy questions | – | 40.0 ±0.0 | – |
    |  | hard questions | – | 62.5 ±0.0 | – |
    | **All scenarios** | simple: no thinking | – | – | – |
    |  | win rate, helpful | – | 75.0* ±0.0 | – |
    |  | refuses harmful | – | 100.0* | – |
    |  | refuses harmless | – | – | – |

    Shares in %; ± is the standard deviation over the seeds; – is unknown; * is the mean of only the seeds with a known value. 3 seeds: 0, 1, 2."
  `)
  expect(markdownReport(report)).toContain('3 seeds: 0, 1, 2.')
  expect(markdownReport(report)).toContain('* is the mean of only the seeds with a known value')
  expect(text(report)).toContain('100.0*')
})

const NAMES = [
  'Base',
  'R1-Zero',
  'Step 1, cold start',
  'Step 2, RL',
  'Step 3, mixed SFT',
  'Step 4, RL for all',
  'Student, distilled',
  'Student, RL',
]

test('eight stages with their spread fit into a hundred columns; a narrower table has several blocks', () => {
  const full = (seed: number): RunStages => ({
    seed,
    stages: NAMES.map((stage) => ({
      stage,
      measure: {
        ...base,
        passAt1: 1 - seed / 9,
        format: 1,
        majority: 1,
        hardTokens: 100 * seed,
        helpful: wins,
      },
    })),
  })
  const report = combineReports([full(0), full(1), full(2)])
  const widest = (drawn: string) => Math.max(...drawn.split('\n').map((line) => line.length))
  expect(widest(text(report))).toBeLessThanOrEqual(100)
  const narrow = text(report, 60)
  expect(widest(narrow)).toBeLessThanOrEqual(60)
  expect(narrow.match(/pass@1/g)).toHaveLength(3)
  expect(narrow.match(/88\.9/g)).toHaveLength(8)
})

test('runs with different stages, runs with the same seed, and no runs cannot be combined', () => {
  const other = { seed: 1, stages: run(1).stages.slice(0, 2) }
  expect(() => combineReports([run(0), other])).toThrow(/the run of seed 1 has the stages "Base", "Step 1/)
  expect(() => combineReports([run(4), run(4)])).toThrow(/two runs have the seed 4/)
  expect(() => combineReports([])).toThrow(/no run/)
})

test('a report from stored runs is the same', () => {
  const runs = [run(0), run(1)]
  expect(combineReports(JSON.parse(JSON.stringify(runs)))).toEqual(combineReports(runs))
})

test('the report says how every number was measured', () => {
  const report = markdownReport(combineReports([run(7)]))
  const rows = report.match(/^\| (?:\*\*.+?\*\*)? ?\| [a-z]/gm)!
  expect(rows).toHaveLength(12)
  expect(report.match(/^- \*\*/gm)).toHaveLength(12)
  expect(report).not.toMatch(/undefined|NaN|null/)
  expect(report).toContain('T = 0.6, top-p 0.95')
  expect(report).toContain('120 held-out questions of the share of right responses among 4')
  expect(report).toContain('40 of the questions (arithmetic/4, fill/3)')
  expect(report).toContain('Of 9 comparisons it left 1 undecided')
  expect(report).toContain('Prompted in R1-Zero’s template: Base.')
})

/** Are all elements closed in order, attributes quoted and special characters escaped? */
function wellFormed(xml: string): boolean {
  const open: string[] = []
  let rest = xml.trim()
  let roots = 0
  while (rest) {
    const tag = /^<(\/?)([a-z]+)((?: [a-zA-Z0-9:-]+="[^"<]*")*)(\/?)>/.exec(rest)
    const content = /^[^<]+/.exec(rest)
    const piece = tag?.[0] ?? content?.[0]
    if (piece === undefined || /&(?!(?:amp|lt|gt|quot);)/.test(piece)) return false
    if (content && open.length === 0) return false
    if (tag?.[1]) {
      if (open.pop() !== tag[2]) return false
    } else if (tag) {
      if (open.length === 0) roots++
      if (!tag[4]) open.push(tag[2]!)
    }
    rest = rest.slice(piece.length)
  }
  return open.length === 0 && roots === 1
}

test.each([
  ['<a><b c="1"/>x</a>', true],
  ['<a><b></a></b>', false],
  ['<a>&</a>', false],
  ['<a/><a/>', false],
  ['<a b=1/>', false],
])('wellFormed: %s', (xml, expected) => {
  expect(wellFormed(xml)).toBe(expected)
})

test('the plots are well-formed, self-contained SVG with a title and all numbers as text', () => {
  const files = plots(combineReports([run(7)]))
  expect(Object.keys(files)).toEqual(['reasoning.svg', 'scenarios.svg'])
  for (const svg of Object.values(files)) {
    expect(wellFormed(svg)).toBe(true)
    expect(svg).toMatch(
      /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" .*role="img" aria-labelledby="title desc">/,
    )
    expect(svg).toContain('<title id="title">')
    // nothing is loaded from elsewhere
    expect(svg.match(/https?:|@import|url\(|href/g)).toEqual(['http:'])
    expect(svg).not.toMatch(/NaN|undefined|Infinity/)
  }
  expect(files['reasoning.svg']).toContain(
    'pass@1: Base 25.0 %; Step 1, cold start 50.0 %; Student, distilled 40.0 %.',
  )
  expect(files['scenarios.svg']).toContain(
    'Base unknown; Step 1, cold start 75.0 %; Student, distilled unknown.',
  )
})

test('an unknown value has no dot, and no line leads to a student', () => {
  const { 'reasoning.svg': reasoning, 'scenarios.svg': scenarios } = plots(combineReports([run(7)]))
  // pass@1 of three stages; majority, form and lengths of one; language of one
  expect(reasoning!.match(/class="dot"/g)).toHaveLength(3 + 1 + 2 + 1 + 1)
  expect(reasoning!.match(/<polyline/g)).toHaveLength(1)
  expect(/<polyline[^>]* points="([^"]*)"/.exec(reasoning!)![1]!.split(' ')).toHaveLength(2)
  expect(scenarios!.match(/class="dot"/g)).toHaveLength(1)
  expect(scenarios).not.toContain('<polyline')
})

test('special characters in names are escaped', () => {
  const measure = { ...base, language: 0.5 }
  const report = combineReports([{ seed: 0, stages: [{ stage: 'RL <"&"> | all', measure }] }])
  for (const svg of Object.values(plots(report))) expect(wellFormed(svg)).toBe(true)
  expect(markdownTable(report)).toContain('RL <"&"> \\| all')
})

test('a report is written together with its plots', () => {
  const folder = mkdtempSync(join(tmpdir(), 'report-'))
  const file = writeReport(folder, combineReports([run(7)]))
  const shown = [...readFileSync(file, 'utf8').matchAll(/!\[.*?\]\((.*?)\)/g)].map(([, path]) => path!)
  expect(shown).toEqual(['plots/reasoning.svg', 'plots/scenarios.svg'])
  for (const path of shown) expect(existsSync(join(folder, path))).toBe(true)
})

import { expect, test } from 'vitest'
import { type DataRow, givenRow, type Rejection } from '../stages/data/rows.ts'
import { fakeRenderer, fakeTask } from '../testing/fakes/fake-engine.ts'
import { dataCard } from './data-card.ts'

const [question] = fakeTask.heldOut({ count: 1 })
const row = (source: string, tokens: number, rejected: Rejection | null = null): DataRow => ({
  ...givenRow(fakeRenderer, fakeTask, question!, {
    source,
    thinking: source === 'talk' ? null : `chain ${tokens}`,
    summary: 'a',
  }),
  tokens: new Int32Array(tokens),
  language: source === 'talk' ? 'zh' : 'en',
  rejected,
})

test('sizes, sources, reasons, lengths, languages, samples', () => {
  const card = dataCard({
    title: 'Data',
    made: { model: 'base', seed: 1, limits: { a: 1 } },
    rows: [
      ...Array.from({ length: 10 }, (_, i) => row('direct', 10 * (i + 1))),
      ...[row('direct', 900, 'wrong'), row('direct', 900, 'wrong'), row('talk', 900, 'cut off')],
      ...[row('talk', 4), row('none', 9, 'wrong')],
    ],
  })
  const lines = card.split('\n')
  for (const line of [
    '11 rows kept of 15 candidates.',
    '- limits: {"a":1}',
    '| direct | 10 | 90.9 % | 12 | 83.3 % | 100.0 % |',
    '| talk | 1 | 9.1 % | 2 | 50.0 % | 0.0 % |',
    '| none | 0 | 0.0 % | 1 | 0.0 % | unknown |',
    '| reason | direct | talk | none | all |',
    '| wrong | 2 | 0 | 1 | 3 |',
    '| cut off | 0 | 1 | 0 | 1 |',
    '| direct | 10 | 10 | 50 | 90 | 100 |',
    '| talk | 4 | 4 | 4 | 4 | 4 |',
    '| en | 10 | 90.9 % |',
    '| zh | 1 | 9.1 % |',
    '| letter/0 | 11 | 100.0 % |',
  ])
    expect(lines).toContain(line)
  // the first, the middle and the last of a source
  expect([...card.matchAll(/^chain (\d+)$/gm)].map(([, n]) => n)).toEqual(['10', '60', '100'])
})

test('no rejections; a sample that contains a fence', () => {
  const fenced = givenRow(fakeRenderer, fakeTask, question!, {
    source: 'code',
    thinking: null,
    summary: '```js\n1\n```',
  })
  const card = dataCard({ title: 'Data', made: {}, rows: [fenced] })
  expect(card).toContain('## Rejected\n\nNothing.')
  expect(card).toContain('````text\nWhich letter?\n\n```js\n1\n```\n````')
})

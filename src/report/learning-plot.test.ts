import { expect, test } from 'vitest'
import { learningPlot } from './learning-plot.ts'

const plot = learningPlot({
  title: 'R1-Zero on <a task>',
  note: '20 held-out questions',
  steps: 100,
  curves: [
    {
      title: 'Right answers',
      share: true,
      training: [
        { step: 1, value: 0 },
        { step: 50, value: 0.5 },
        { step: 100, value: 1 },
      ],
      heldOut: [
        { step: 0, value: 0.125 },
        { step: 100, value: 0.75 },
      ],
    },
    {
      title: 'Length',
      share: false,
      training: [{ step: 50, value: 120 }],
      heldOut: [{ step: 100, value: 93.5 }],
    },
  ],
})

test('a point of a step lies at its place between the axes', () => {
  // x from 44 to 416 over 100 steps; y from 210 (0 %) up to 38 (100 %)
  expect(plot).toContain('points="47.72,210 230,124 416,38"')
  expect(plot).toContain('cx="44" cy="188.5"')
  // 120 tokens on an axis that ends at 150
  expect(plot).toContain('points="230,72.4"')
})

test.each(['0%', '25%', '100%', '150', '50', '100'])('the axes have the number %s', (number) => {
  expect(plot).toContain(`>${number}</text>`)
})

test('the held-out numbers can be read as text, and a title is escaped', () => {
  expect(plot).toContain('Right answers, held-out questions: step 0 12.5 %; step 100 75.0 %.')
  expect(plot).toContain('Length, held-out questions: step 100 93.5.')
  expect(plot).toContain('>R1-Zero on &lt;a task&gt;</title>')
})

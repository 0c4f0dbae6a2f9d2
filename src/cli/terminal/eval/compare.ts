import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../../common/errors.ts'
import { plural } from '../../../common/words.ts'
import { type Comparison, compare, type Side } from '../../../evaluation/compare.ts'
import { describe } from '../../../evaluation/evaluate.ts'
import { RESULTS_FILE, readResults } from '../../../evaluation/results.ts'
import { rowsOf } from '../../../evaluation/rows.ts'
import { ANSWERS_FILE } from '../../../evaluation/store/store.ts'
import type { Tree } from '../../../settings/layers.ts'
import type { Values } from '../arguments.ts'
import { outputOptions } from '../options.ts'
import { type Output, percent, table } from '../output.ts'
import { evaluated } from './run.ts'
import { interval } from './show-results.ts'

/** What two evaluations are compared with. */
const KNOWN = ['action', 'words', ...Object.keys(outputOptions)]

/** Questions that are listed for each comparison. */
const LISTED = 10

/** Compares two evaluations, or two models, which are evaluated first. */
export async function compareEvaluations(
  output: Output,
  [a, b]: readonly [string, string],
  values: Values,
  given: Tree,
): Promise<void> {
  const [first, second] = [evaluationOf(a), evaluationOf(b)]
  if ((first === null) !== (second === null)) {
    const [folder, model] = first === null ? [b, a] : [a, b]
    throw new UserError(
      `${folder} is an evaluation, and ${model} is none: name two folders of \`ruminate eval --out\`, or two models`,
      2,
    )
  }
  if (a === b) throw new UserError(`both sides are ${a}: name two`, 2)
  const asked = Object.keys(values).find((name) => !KNOWN.includes(name))
  if (first && second && asked !== undefined)
    throw new UserError(
      `--${asked} has no effect, since ${a} and ${b} have been evaluated already: leave it out`,
      2,
    )
  const sides = first && second ? [first, second] : await evaluateBoth([a, b], { output, values, given })
  for (const comparison of compare(sides[0]!, sides[1]!)) show(output, comparison, [a, b])
}

/** The side that a folder, or a line of its table, is; null if there is no such folder. */
function evaluationOf(word: string): Side | null {
  const [, folder = word, line] = existsSync(word) ? [] : (/^(.+):(\d+)$/.exec(word) ?? [])
  if (![RESULTS_FILE, ANSWERS_FILE].some((file) => existsSync(join(folder, file)))) return null
  const rows = rowsOf(readResults(folder).cells)
  if (line === undefined) return { name: word, rows }
  const row = rows.find(({ number }) => number === Number(line))
  if (row) return { name: word, rows: [row] }
  throw new UserError(`${folder} has no line ${line}: its table has ${plural(rows.length, 'line')}`, 2)
}

async function evaluateBoth(
  names: readonly [string, string],
  { output, values, given }: { readonly output: Output; readonly values: Values; readonly given: Tree },
): Promise<Side[]> {
  const other = ['model', 'checkpoints'].find((name) => values[name] !== undefined)
  if (other !== undefined)
    throw new UserError(`compare is given its two models as A and B: leave out --${other}`, 2)
  const { results } = await evaluated(output, values, given, [...names])
  const rows = rowsOf(results.cells)
  const models = [...new Set(rows.map(({ cell }) => cell.model))]
  if (models.length !== 2) throw new UserError(`${names[0]} and ${names[1]} are the same model`, 2)
  return models.map((name) => ({ name, rows: rows.filter(({ cell }) => cell.model === name) }))
}

function show(
  output: Output,
  { a, b, questions, paired, changed }: Comparison,
  names: readonly string[],
): void {
  const { difference, p, test, better, worse } = paired
  const side = ({ cell, measure, accuracy }: typeof a) => ({
    model: cell.model,
    strategy: describe(cell),
    measure,
    ...accuracy,
  })
  output.emit({
    type: 'comparison',
    task: a.cell.task,
    a: side(a),
    b: side(b),
    questions,
    difference: difference.mean,
    low: difference.low,
    high: difference.high,
    p,
    test,
    better,
    worse,
    changed,
  })
  if (output.json) return
  output.prose(`${a.cell.task}: ${plural(questions, 'question')}, ${names.join(' and ')}\n`)
  output.result(
    table(
      [
        ['', 'right', 'interval'],
        ...[a, b].map(({ cell, measure, accuracy }, i) => [
          `${'AB'[i]}: ${cell.model}, ${describe(cell)}, ${measure}`,
          percent(accuracy.mean),
          interval(accuracy),
        ]),
      ],
      output.width,
    ),
  )
  const points = (share: number): string => `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)}`
  output.prose(
    `\nB − A: ${points(difference.mean)} points, 95 % interval ${points(difference.low)} to ${points(difference.high)}; p ${p < 0.001 ? '< 0.001' : `= ${p.toFixed(3)}`} (${test === 'mcnemar' ? "McNemar's exact test" : 'permutation test'}). B is better on ${plural(better, 'question')} and worse on ${worse}.`,
  )
  if (changed.length === 0) return
  output.result(
    `\n${table(
      [
        ['question', 'A', 'B'],
        ...changed.slice(0, LISTED).map(({ id, a, b }) => [id, percent(a), percent(b)]),
      ],
      output.width,
    )}`,
  )
  if (changed.length > LISTED) output.say(`  … and ${changed.length - LISTED} more, which --json lists`)
}

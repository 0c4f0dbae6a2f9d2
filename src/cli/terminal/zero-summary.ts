import { join } from 'node:path'
import pc from 'picocolors'
import { packageRoot } from '../../common/package.ts'
import { shellWord } from '../../common/shell.ts'
import { resolveZeroSettings, type ZeroResult } from '../../recipes/zero.ts'
import type { RolloutRow } from '../../runs/rows.ts'
import { RunStore } from '../../runs/store.ts'
import type { ZeroSettings } from '../../settings/zero.ts'
import type { Evaluation } from '../../stages/evaluate/evaluate.ts'
import { clock, type Output, percent, percentInterval, table } from './output.ts'
import { plot, smooth } from './plot.ts'

/** What a person reads when R1-Zero is done: before and after, the curves, two samples, what to type next. */
export function finishZero(output: Output, result: ZeroResult): void {
  output.emit({ type: 'result', ...result })
  if (output.json) return
  const { before, after } = result
  output.result(
    `\n${pc.bold('R1-Zero, before and after')} (${before.questions} held-out questions, T = 1, seed ${result.seed}, ${clock(result.seconds)})\n`,
  )
  output.result(beforeAfter(before, after))
  if (result.stoppedBy)
    output.result(`\nStopped after step ${result.stoppedBy.step}: ${result.stoppedBy.reason}`)
  const store = RunStore.open(result.run)
  let given: Given
  try {
    given = givenOptions(store.info().settings as ZeroSettings)
    const line = (title: string, metric: string, format: (value: number) => string): string =>
      `\n${plot(title, smooth(store.metric(metric), 60), { format, floor: 0 })}`
    output.result(line('accuracy (training questions)', 'accuracy', (v) => `${Math.round(100 * v)} %`))
    output.result(line('response length (tokens)', 'length/mean', (v) => v.toFixed(0)))
    const pair = telling(store)
    if (pair) output.result(`\n${samples(...pair)}`)
  } finally {
    store.close()
  }
  const next = [
    [`ruminate runs show ${shellWord(result.run)} --samples 5`, 'read what it thought while it learned'],
    [`ruminate chat --model ${shellWord(result.model)}`, 'ask it something'],
    [['ruminate eval --model', shellWord(result.model), ...given.asking].join(' '), 'measure it again'],
    [
      ['ruminate zero --seed', result.seed + 1, ...given.training, ...given.asking].join(' '),
      'does another seed learn too?',
    ],
  ]
  output.result(
    `\n${pc.bold('Next')}\n${next.map(([what, why]) => `  npx ${what}   ${pc.dim(why!)}`).join('\n')}`,
  )
}

interface Given {
  /** What decides the questions. */
  readonly asking: readonly string[]
  /** What else decides the training, of the options that have a name of their own. */
  readonly training: readonly string[]
}

/** The options that lead to settings, where they are not the defaults. */
function givenOptions(settings: ZeroSettings): Given {
  const defaults = resolveZeroSettings({})
  const model = join(packageRoot(), 'models', defaults.model)
  const changed = (name: 'model' | 'task' | 'preset' | 'algorithm' | 'steps', usual: unknown): string[] =>
    settings[name] === usual ? [] : [`--${name}`, shellWord(String(settings[name]))]
  const columns = Object.entries(settings.columns).map(
    ([role, name]) => `${role}=${Array.isArray(name) ? `[${name}]` : name}`,
  )
  return {
    asking: [
      ...changed('task', defaults.task),
      ...(columns.length > 0 ? ['--columns', shellWord(columns.join(','))] : []),
    ],
    training: [
      ...changed('model', model),
      ...changed('preset', defaults.preset),
      ...changed('algorithm', defaults.algorithm),
      ...changed('steps', defaults.steps),
    ],
  }
}

function beforeAfter(before: Evaluation, after: Evaluation): string {
  const number = (value: number, digits = 1): string => (Number.isNaN(value) ? '–' : value.toFixed(digits))
  return table([
    ['', 'before', 'after'],
    [
      'pass@1',
      percentInterval(before.passAt1, before.standardError),
      percentInterval(after.passAt1, after.standardError),
    ],
    ...Object.keys(after.families).map((f) => [
      `  ${f}`,
      percent(before.families[f]),
      percent(after.families[f]),
    ]),
    ['well formed', percent(before.format), percent(after.format)],
    ['response length (tokens)', number(before.responseTokens), number(after.responseTokens)],
    [
      'reflective words a response',
      number(before.reflectionPerResponse, 2),
      number(after.reflectionPerResponse, 2),
    ],
    ['reflective words per 1,000 tokens', number(before.reflection), number(after.reflection)],
    ['responses mixing languages', percent(before.mixed), percent(after.mixed)],
  ])
}

/** The first held-out question that was wrong before and is right after; else the first that is right after. */
function telling(store: RunStore): [RolloutRow, RolloutRow] | null {
  const before = new Map(store.rollouts({ split: 'eval-before' }).map((row) => [row.question, row]))
  const pairs = store
    .rollouts({ split: 'eval-after' })
    .reverse()
    .flatMap((after): [RolloutRow, RolloutRow][] => {
      const earlier = before.get(after.question)
      return earlier && after.correct ? [[earlier, after]] : []
    })
  return pairs.find(([earlier]) => !earlier.correct) ?? pairs[0] ?? null
}

function samples(before: RolloutRow, after: RolloutRow): string {
  const question = before.prompt
    .slice(before.prompt.lastIndexOf('User: ') + 'User: '.length)
    .replace(/ Assistant:$/, '')
  const show = (name: string, row: RolloutRow): string =>
    `${pc.bold(name)} (${row.correct ? pc.green('right') : pc.red('wrong')}, ${row.length} tokens)\n${pc.dim(row.text.trim())}`
  return `${pc.bold('Question')} ${question}\n\n${show('Before', before)}\n\n${show('After', after)}`
}

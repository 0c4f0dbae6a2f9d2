import { join } from 'node:path'
import pc from 'picocolors'
import { packageRoot } from '../../../common/package.ts'
import { shellWord } from '../../../common/shell.ts'
import type { ZeroResult } from '../../../recipes/zero.ts'
import { Renderer } from '../../../renderer/renderer.ts'
import type { RolloutRow } from '../../../runs/rows.ts'
import { RunStore } from '../../../runs/store.ts'
import { changedSettings, type Tree } from '../../../settings/layers.ts'
import { resolveZeroSettings, type ZeroSettings } from '../../../settings/zero.ts'
import type { ZeroWatch } from '../../../settings/zero-options.ts'
import type { Evaluation } from '../../../stages/evaluate/evaluate.ts'
import { clock, type Output, percent, percentInterval, table } from '../output.ts'
import { plot, smooth } from '../plot.ts'
import { nextCommand } from './next.ts'
import { showReinforcement } from './progress.ts'
import { questionIn } from './question.ts'

/** What people and programs see while R1-Zero trains. */
export function watchZero(output: Output, steps: number, signal: AbortSignal, title = 'R1-Zero'): ZeroWatch {
  return {
    signal,
    onStart: (run, settings) => {
      output.emit({ type: 'start', run, settings })
      output.say(
        `${title} on ${settings.task}: ${settings.steps} ${settings.steps === 1 ? 'step' : 'steps'} of ${settings.rl.questionsPerStep} questions × ${settings.rl.groupSize} responses, seed ${settings.seed}`,
      )
      output.say(`model ${settings.model}\nrun   ${run}`)
    },
    onEvaluation: (when, evaluation) => {
      output.emit({ type: 'evaluation', when, ...evaluation })
      if (when === 'before')
        output.say(
          `before: held-out pass@1 ${percent(evaluation.passAt1)}, ${evaluation.responseTokens.toFixed(0)} tokens per response`,
        )
    },
    onStep: showReinforcement(output, steps),
    onWarning: (message) => output.warn(message),
    onProgress: (line) => output.live(line),
  }
}

/**
 * Accuracy before and after, the curves, one question answered before and after, and what to do next.
 *
 * @param config the settings file that the run was started with, if there is one.
 */
export function summarizeZero(output: Output, result: ZeroResult, config?: string): void {
  output.emit({ type: 'result', ...result })
  if (output.json) return
  const { before, after } = result
  const store = RunStore.open(result.run)
  let given: Given
  try {
    // a run that an earlier version began lacks settings that are new since
    const { own: _, ...stored } = store.info().settings as Tree
    const settings = resolveZeroSettings(stored)
    given = givenOptions(settings)
    output.result(
      `\n${pc.bold('R1-Zero, before and after')} (${before.questions} held-out questions, T = ${settings.eval.temperature}, seed ${result.seed}, ${clock(result.seconds)})\n`,
    )
    output.result(beforeAfter(before, after))
    if (result.stoppedBy)
      output.result(`\nStopped after step ${result.stoppedBy.step}: ${result.stoppedBy.reason}`)
    const line = (title: string, metric: string, format: (value: number) => string): string =>
      `\n${plot(title, smooth(store.metric(metric), 60), { format, floor: 0 })}`
    output.result(line('accuracy (training questions)', 'accuracy', (v) => `${Math.round(100 * v)} %`))
    output.result(line('response length (tokens)', 'length/mean', (v) => v.toFixed(0)))
    const pair = exampleOf(store)
    if (pair) output.result(`\n${samples(...pair, questionOf(pair[0], settings))}`)
  } finally {
    store.close()
  }
  const measure = nextCommand('eval', config, result)
  if (measure !== null) {
    output.result(`\n${pc.bold('Next')}\n  ${measure}`)
    return
  }
  const next = [
    [`ruminate runs show ${shellWord(result.run)} --samples 5`, 'read what it thought as it learned'],
    [`ruminate chat --model ${shellWord(result.model)}`, 'ask it something'],
    [
      ['ruminate eval --model', shellWord(result.model), ...given.template, ...given.asking].join(' '),
      'measure it again',
    ],
    [
      ['ruminate zero --seed', result.seed + 1, ...given.training, ...given.asking].join(' '),
      'train with another seed',
    ],
  ]
  output.result(
    `\n${pc.bold('Next')}\n${next.map(([what, why]) => `  npx ${what}   ${pc.dim(why!)}`).join('\n')}`,
  )
}

interface Given {
  /** Options that decide which questions are asked. */
  readonly asking: readonly string[]
  /** The template as `eval` takes it, whose default is the one that the model knows. */
  readonly template: readonly string[]
  /** The other options of the training. */
  readonly training: readonly string[]
}

/** The command line options that give these settings; those that are the default are left out. */
function givenOptions(settings: ZeroSettings): Given {
  const defaults = resolveZeroSettings({})
  const model = join(packageRoot(), 'models', defaults.model)
  const changed = (
    name: 'model' | 'task' | 'template' | 'engine' | 'preset' | 'algorithm' | 'steps',
    usual: unknown,
  ): string[] => (settings[name] === usual ? [] : [`--${name}`, shellWord(String(settings[name]))])
  const columns = Object.entries(settings.columns).map(
    ([role, name]) => `${role}=${Array.isArray(name) ? `[${name}]` : name}`,
  )
  return {
    asking: [
      ...changed('task', defaults.task),
      ...(columns.length > 0 ? ['--columns', shellWord(columns.join(','))] : []),
      ...changed('engine', defaults.engine),
    ],
    template: [...chosenTemplate(settings), ...templateArguments(settings)],
    training: [
      ...changed('model', model),
      ...changed('template', defaults.template),
      ...changed('preset', defaults.preset),
      ...changed('algorithm', defaults.algorithm),
      ...changed('steps', defaults.steps),
      ...otherSettings(settings),
    ],
  }
}

const chosenTemplate = ({ template, model }: ZeroSettings): string[] =>
  template === 'r1-zero' && Renderer.load(model).template === 'r1-zero' ? [] : ['--template', template]

function templateArguments({ chat }: ZeroSettings): string[] {
  const given = Object.entries(chat.arguments).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return given.length > 0 ? ['--template-arguments', shellWord(given.join(','))] : []
}

/** The settings without an option of their own, where they differ from what preset and algorithm say. */
function otherSettings(settings: ZeroSettings): string[] {
  const { preset, algorithm } = settings
  const usual = resolveZeroSettings({ preset, algorithm, rl: { maxTokens: settings.rl.maxTokens } })
  const maxTokens = resolveZeroSettings({ preset, algorithm }).rl.maxTokens
  const part = ({ chat, rl, rewards, eval: evaluation, checkpointEvery, alarm }: ZeroSettings) => ({
    chat: { arguments: chat.arguments },
    rl,
    rewards,
    eval: evaluation,
    checkpointEvery,
    alarm,
  })
  const sets = changedSettings(part(settings), part(usual))
  if (settings.rl.maxTokens !== maxTokens) sets.unshift(`rl.maxTokens=${settings.rl.maxTokens}`)
  return sets.flatMap((set) => ['--set', shellWord(set)])
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
      'reflective words per response',
      number(before.reflectionPerResponse, 2),
      number(after.reflectionPerResponse, 2),
    ],
    ['reflective words per 1,000 tokens', number(before.reflection), number(after.reflection)],
    ['responses mixing languages', percent(before.mixed), percent(after.mixed)],
  ])
}

/** The first held-out question that was answered wrong before and right after; else the first answered right after. */
function exampleOf(store: RunStore): [RolloutRow, RolloutRow] | null {
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

function questionOf({ prompt }: RolloutRow, settings: ZeroSettings): string {
  const renderer = Renderer.load(settings.model, settings)
  return questionIn(prompt, (question) => renderer.prompt({ prompt: question }).text)
}

function samples(before: RolloutRow, after: RolloutRow, question: string): string {
  const show = (name: string, row: RolloutRow): string =>
    `${pc.bold(name)} (${row.correct ? pc.green('right') : pc.red('wrong')}, ${row.length} tokens)\n${pc.dim(row.text.trim())}`
  return `${pc.bold('Question')} ${question}\n\n${show('Before', before)}\n\n${show('After', after)}`
}

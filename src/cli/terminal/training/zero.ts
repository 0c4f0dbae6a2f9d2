import { join } from 'node:path'
import pc from 'picocolors'
import { convertedFrom } from '../../../common/files/conversions.ts'
import { packageRoot } from '../../../common/files/package.ts'
import { pathFromHere } from '../../../common/files/paths.ts'
import { printable } from '../../../common/printable.ts'
import { shellWord } from '../../../common/shell.ts'
import { clock, plural } from '../../../common/words.ts'
import type { ZeroResult } from '../../../recipes/zero.ts'
import { Renderer } from '../../../renderer/renderer.ts'
import type { RolloutRow } from '../../../runs/rows.ts'
import { RunStore } from '../../../runs/store.ts'
import { changedSettings, type Tree } from '../../../settings/layers.ts'
import { resolveZeroSettings, type ZeroSettings } from '../../../settings/zero.ts'
import type { ZeroWatch } from '../../../settings/zero-options.ts'
import type { Evaluation } from '../../../stages/evaluate/evaluate.ts'
import type { TeacherSettings } from '../../../stages/reinforce/teacher.ts'
import { sayLanguagePart } from '../language-part.ts'
import {
  modelName,
  modelWord,
  type NextStep,
  runWord,
  showModel,
  showNext,
  sourceName,
  studioCommand,
  withConfig,
} from '../next.ts'
import { type Output, percent, percentInterval, table } from '../output.ts'
import { plot, smooth } from '../plot.ts'
import { warnOfThreads } from '../threads.ts'
import { wrap } from '../width.ts'
import { templateArguments } from './given.ts'
import { mergeStep, showLora } from './lora.ts'
import { showReinforcement } from './progress.ts'
import { questionReader } from './question.ts'

/** What people and programs see while R1-Zero trains. */
export function watchZero(output: Output, steps: number, signal: AbortSignal, title = 'R1-Zero'): ZeroWatch {
  return {
    signal,
    onStart: (run, settings) => {
      output.emit({ type: 'start', run, settings })
      warnOfThreads(output, settings.threads)
      output.say(
        `${title} on ${sourceName(settings.task)}: ${plural(settings.steps, 'step')} of ${plural(settings.rl.questionsPerStep, 'question')} × ${plural(settings.rl.groupSize, 'response')}, seed ${settings.seed}`,
      )
      output.say(`model ${modelName(settings.model)}\nrun   ${pathFromHere(run)}`)
      sayLanguagePart(output, settings.model)
      if (settings.teacher) sayLanguagePart(output, settings.teacher.model)
      const { preset, algorithm } = settings
      showLora(output, {
        ...settings,
        learningRate: {
          setting: 'rl.learningRate',
          value: settings.rl.learningRate,
          preset: resolveZeroSettings({ preset, algorithm }).rl.learningRate,
        },
      })
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
  let causes: string[]
  let merging: NextStep[]
  try {
    // a run that an earlier version began lacks settings that are new since
    const { own: _, ...stored } = store.info().settings as Tree
    const settings = resolveZeroSettings(stored)
    given = givenOptions(settings)
    merging = mergeStep(result.model, settings.lora)
    causes = store.events().map(({ step, message }) => `At step ${step}: ${message}`)
    output.prose(
      `\n${pc.bold('R1-Zero, before and after')} (${plural(before.questions, 'held-out question')}, T = ${settings.eval.temperature}, seed ${result.seed}, ${clock(result.seconds)})\n`,
    )
    output.result(beforeAfter(before, after, output.width))
    if (result.stoppedBy)
      output.prose(`\nStopped after step ${result.stoppedBy.step}: ${result.stoppedBy.reason}`)
    const line = (title: string, metric: string, format: (value: number) => string): string =>
      `\n${plot(title, smooth(store.metric(metric), 60), { format, floor: 0, columns: output.width })}`
    output.aside(line('accuracy (training questions)', 'accuracy', (v) => `${Math.round(100 * v)} %`))
    output.aside(line('response length (tokens)', 'length/mean', (v) => v.toFixed(0)))
    const pair = exampleOf(store)
    if (pair) output.aside(`\n${samples(...pair, questionReader(settings)(pair[0].prompt), output.width)}`)
  } finally {
    store.close()
  }
  const rose = after.passAt1 > before.passAt1
  if (!rose) output.aside(`\n${wrap(notLearned(before, after, causes), output.width)}`)
  const { run, model } = result
  showModel(output, model)
  const studio: NextStep = [studioCommand(run), 'see on a page how it learned to think']
  const reading: NextStep[] = [
    [`runs show ${runWord(run)} --samples 5`, 'read what it thought as it learned'],
    [`chat --model ${modelWord(model)}`, 'ask it something'],
    ...merging,
  ]
  if (config !== undefined) {
    showNext(output, [
      [withConfig('eval', config, model), 'measure it on the held-out questions'],
      ...reading,
      studio,
    ])
    return
  }
  const next: NextStep[] = [
    ...reading,
    [['eval --model', modelWord(model), ...given.template, ...given.asking].join(' '), 'measure it again'],
    ...(rose
      ? [
          [
            ['zero --seed', result.seed + 1, ...given.training, ...given.asking].join(' '),
            'train with another seed',
          ] satisfies NextStep,
        ]
      : []),
  ]
  showNext(output, [...next, studio])
}

/** With fewer held-out questions, chance decides whether pass@1 rises. */
const FEW_QUESTIONS = 10

/** That pass@1 did not rise, why, and what to try. */
function notLearned(before: Evaluation, after: Evaluation, causes: readonly string[]): string {
  const unknown = Number.isNaN(after.passAt1) || Number.isNaN(before.passAt1)
  const found = unknown
    ? 'pass@1 is unknown, since no answer could be checked.'
    : `pass@1 did not rise (${percent(before.passAt1)} before, ${percent(after.passAt1)} after): how to answer was not learned.`
  const few =
    before.questions < FEW_QUESTIONS
      ? ` ${plural(before.questions, 'held-out question')} can hardly tell.`
      : ''
  const usual = `No cause was found.${few} Train for more steps (--steps), or read the samples.`
  return [pc.bold(found), ...(causes.length > 0 ? causes : unknown ? [] : [usual])].join('\n')
}

interface Given {
  /** Options that decide which questions are asked. */
  readonly asking: readonly string[]
  /** The template as `eval` takes it, whose default is the one that the model was trained with. */
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
    shown = String(settings[name]),
  ): string[] => (settings[name] === usual ? [] : [`--${name}`, shellWord(shown)])
  const columns = Object.entries(settings.columns).map(
    ([role, name]) => `${role}=${Array.isArray(name) ? `[${name}]` : name}`,
  )
  return {
    asking: [
      ...changed('task', defaults.task),
      ...(columns.length > 0 ? ['--columns', shellWord(columns.join(','))] : []),
      ...changed('engine', defaults.engine),
    ],
    template: [...chosenTemplate(settings), ...templateArguments(settings.chat)],
    training: [
      ...changed('model', model, convertedFrom(settings.model) ?? settings.model),
      ...changed('template', defaults.template),
      ...changed('preset', defaults.preset),
      ...changed('algorithm', defaults.algorithm),
      ...changed('steps', defaults.steps),
      ...adapterOptions(settings),
      ...(settings.teacher === null ? [] : teacherOptions(settings.teacher)),
      ...otherSettings(settings),
    ],
  }
}

function adapterOptions({ engine, lora }: ZeroSettings): string[] {
  const { lora: usual } = resolveZeroSettings({ engine })
  if (lora === null) return usual === null ? [] : ['--set', 'lora=null']
  return lora.rank === usual?.rank ? [] : ['--lora', String(lora.rank)]
}

const teacherOptions = ({ model, weight }: TeacherSettings): string[] => [
  '--teacher',
  shellWord(convertedFrom(model) ?? model),
  ...(weight === 1 ? [] : ['--set', `teacher.weight=${weight}`]),
]

const chosenTemplate = ({ template, model }: ZeroSettings): string[] =>
  template === 'r1-zero' && Renderer.load(model).template === 'r1-zero' ? [] : ['--template', template]

/** The settings without an option of their own, where they differ from what preset and algorithm say. */
function otherSettings(settings: ZeroSettings): string[] {
  const { preset, algorithm, engine, lora, async } = settings
  const usual = resolveZeroSettings({
    preset,
    algorithm,
    engine,
    rl: { maxTokens: settings.rl.maxTokens },
    lora: lora && { rank: lora.rank },
    // null is the default, and decides on others
    async: async && {},
  })
  const maxTokens = resolveZeroSettings({ preset, algorithm }).rl.maxTokens
  const sampledAhead = async && [`async.staleness=${async.staleness}`]
  const part = ({
    chat,
    rl,
    rewards,
    eval: evaluation,
    lora,
    tinker,
    checkpointEvery,
    checkpointSeconds,
    alarm,
    whenNothingToLearn,
  }: ZeroSettings) => ({
    lora,
    tinker,
    chat: { arguments: chat.arguments },
    rl,
    rewards,
    eval: evaluation,
    checkpointEvery,
    checkpointSeconds,
    alarm,
    whenNothingToLearn,
  })
  const sets = [...(sampledAhead ?? []), ...changedSettings(part(settings), part(usual))]
  if (settings.rl.maxTokens !== maxTokens) sets.unshift(`rl.maxTokens=${settings.rl.maxTokens}`)
  return sets.flatMap((set) => ['--set', shellWord(set)])
}

function beforeAfter(before: Evaluation, after: Evaluation, width: number): string {
  const number = (value: number, digits = 1): string => (Number.isNaN(value) ? '–' : value.toFixed(digits))
  return table(
    [
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
    ],
    width,
  )
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

function samples(before: RolloutRow, after: RolloutRow, question: string, width: number): string {
  const show = (name: string, row: RolloutRow): string =>
    `${pc.bold(name)} (${row.correct ? pc.green('right') : pc.red('wrong')}, ${plural(row.length, 'token')})\n${pc.dim(wrap(printable(row.text).trim(), width))}`
  return `${wrap(`${pc.bold('Question')} ${printable(question)}`, width)}\n\n${show('Before', before)}\n\n${show('After', after)}`
}

import { versions } from '../common/files/package.ts'
import type { Progress } from '../common/progress.ts'
import type { Warn } from '../common/warnings.ts'
import { plural } from '../common/words.ts'
import type { EngineName } from '../engines/open.ts'
import { type Generator, generatorOf } from '../providers/generator.ts'
import { openStrategy } from '../stages/think/open-strategy.ts'
import type { Question, Task } from '../tasks/task.ts'
import type { TextModel, ThinkingFormat } from '../thinking/model.ts'
import type { StrategyName, StrategySpec } from '../thinking/strategies/strategy.ts'
import { type AskOptions, ask, keptQuestion, storedAnswers } from './ask.ts'
import { byDifficulty, type Difficulties, difficultiesOf } from './difficulty.ts'
import { estimate } from './measures/interval.ts'
import {
  type CellResult,
  type Condition,
  type RecordedPoint,
  type Results,
  type Sampling,
  type TrainingPoint,
  writeResults,
} from './results.ts'
import { type KeptModel, keptModel } from './store/kept-model.ts'
import { AnswerStore, type KeptAnswer } from './store/store.ts'
import { atK, byKind, formOf, questionValues, standardError } from './summarise.ts'

/** A model, and what it is asked. */
export interface Subject {
  /** Tells it apart from the others in this evaluation. */
  readonly name: string
  readonly task: Task
  /** The name that a person gave. */
  readonly taskName: string
  readonly questions: readonly Question[]
  readonly options: AskOptions
  /** Behind an API? Opening it is then quick, so whether it can be asked like this is checked before anything is asked. */
  readonly remote: boolean
  /** null if it is no checkpoint of a run. */
  readonly training: TrainingPoint | null
  open(): Promise<TextModel>
}

/** Every model is asked under every condition, with every seed. */
export interface Grid {
  readonly subjects: readonly Subject[]
  readonly conditions: readonly Condition[]
  /** Numbers of responses to a question. */
  readonly samples: readonly number[]
  readonly seeds: readonly number[]
  /** Accuracies that runs recorded while they trained, for the picture of training compute. */
  readonly recorded: readonly RecordedPoint[]
  /** What chooses the best of several responses: the folder of a reward model, or a judge. */
  readonly reward?: string | undefined
  readonly openJudge?: (() => Promise<TextModel>) | undefined
  readonly engine?: EngineName | undefined
  readonly threads?: number | undefined
  /** Folder of the evaluation; null: nothing is kept. */
  readonly out: string | null
  readonly signal?: AbortSignal | undefined
  readonly progress: Progress
  readonly warn: Warn
}

/** A cell of the grid once its answers are stored. */
interface AskedCell {
  readonly subject: Subject
  readonly condition: Condition
  readonly responses: number
  readonly samples: number
  /** Numbers of responses that the accuracy is computed for. */
  readonly ks: readonly number[]
  readonly keys: readonly string[]
  readonly format: ThinkingFormat
}

/**
 * Asks every model of a grid, one after the other, and measures. With `out`, every response is stored there once it has
 * ended: a repeated or changed command asks only for what is missing.
 *
 * @throws UserError if a model cannot be opened or asked; what has been answered stays stored.
 */
export async function evaluateGrid(grid: Grid): Promise<Results> {
  const started = performance.now()
  const store = AnswerStore.open(grid.out)
  try {
    for (const subject of grid.subjects) if (subject.remote) await checkConditions(subject, grid)
    const cells: AskedCell[] = []
    for (const subject of grid.subjects) cells.push(...(await askSubject(store, subject, grid)))
    grid.progress('measuring')
    const results = summarise(store, cells, grid, (performance.now() - started) / 1000)
    if (grid.out !== null) writeResults(grid.out, results)
    return results
  } finally {
    store.close()
  }
}

/** @throws UserError if the model cannot be asked under one of the conditions. */
async function checkConditions(subject: Subject, { conditions }: Grid): Promise<void> {
  const model = await subject.open()
  try {
    for (const condition of conditions) await withThinking(model, condition)
  } finally {
    await model.close()
  }
}

/** Opens a model, asks it under every condition, and closes it. */
async function askSubject(store: AnswerStore, subject: Subject, grid: Grid): Promise<AskedCell[]> {
  grid.progress(`opening ${subject.name}`)
  const model = await subject.open()
  const judge = grid.openJudge && (await grid.openJudge())
  try {
    const cells: AskedCell[] = []
    for (const condition of grid.conditions) {
      const thinking = keptModel(await withThinking(model, condition), store)
      for (const part of parts(condition, grid.samples)) {
        const failure = new Failure(grid.signal)
        const used = await withStrategy(failure.watch(thinking), condition, part, {
          ...grid,
          judge: judge && generatorOf(keptModel(judge, store), {}),
        })
        const asked = used === null ? thinking : keptModel(used, store)
        const keys: string[] = []
        try {
          for (const seed of grid.seeds)
            keys.push(
              await askCell(store, asked, { subject, condition, part, seed, grid, signal: failure.signal }),
            )
        } finally {
          await used?.close()
        }
        cells.push({ subject, condition, ...part, keys, format: model.can.format })
      }
    }
    return cells
  } finally {
    await judge?.close()
    await model.close()
  }
}

/** The model with a budget or an effort. Closing it closes nothing. */
async function withThinking(model: TextModel, { budget, effort }: Condition): Promise<TextModel> {
  if (budget === null && effort === null) return model
  return openStrategy(
    { ...model, close: async () => {} },
    { kind: 'sample', budget: budget === null ? undefined : { max: budget }, effort: effort ?? undefined },
  )
}

/** The model with a strategy that makes an answer from several responses; null if the strategy is only a way to count. */
async function withStrategy(
  model: TextModel,
  { strategy }: Condition,
  { responses }: Part,
  {
    reward,
    judge,
    engine,
    threads,
  }: Pick<Grid, 'reward' | 'engine' | 'threads'> & { judge?: Generator | undefined },
): Promise<TextModel | null> {
  if (strategy === 'sample' || strategy === 'vote') return null
  const options = strategy === 'best-of-n' ? { reward, judge, engine, threads } : {}
  return openStrategy(model, SPECS[strategy](responses), options)
}

/** The strategies that make an answer from `n` responses. */
const SPECS: Readonly<Record<Exclude<StrategyName, 'sample' | 'vote'>, (n: number) => StrategySpec>> = {
  'best-of-n': (n) => ({ kind: 'best-of-n', samples: n }),
  refine: (n) => ({ kind: 'refine', rounds: n }),
}

type Part = Pick<AskedCell, 'responses' | 'samples' | 'ks'>

/** `sample` and `vote` read all accuracies from the same responses; the other strategies make an answer from k responses. */
function parts({ strategy }: Condition, ks: readonly number[]): Part[] {
  if (strategy === 'sample' || strategy === 'vote') return [{ responses: 1, samples: Math.max(...ks), ks }]
  return ks.map((responses) => ({ responses, samples: 1, ks: [1] }))
}

async function askCell(
  store: AnswerStore,
  model: KeptModel,
  {
    subject,
    condition,
    part,
    seed,
    grid,
    signal,
  }: {
    readonly subject: Subject
    readonly condition: Condition
    readonly part: Part
    readonly seed: number
    readonly grid: Grid
    readonly signal: AbortSignal
  },
): Promise<string> {
  const unasked: string[] = []
  const many = grid.subjects.length * grid.conditions.length * grid.seeds.length > 1
  const key = await ask(store, {
    model,
    task: subject.task,
    questions: subject.questions,
    samples: part.samples,
    seed,
    options: subject.options,
    signal,
    what: many ? `${subject.name}, ${describe(condition, part.responses)}` : 'answering',
    progress: grid.progress,
    onUnasked: ({ id }, reason) => unasked.push(`${id}: ${reason}`),
  })
  if (unasked.length > 0)
    grid.warn(
      `${subject.name} cannot be asked ${plural(unasked.length, 'question')}, which ${unasked.length === 1 ? 'is' : 'are'} left out, such as ${unasked[0]}`,
    )
  return key
}

/** A condition in few words: "vote, at most 16 thinking tokens". */
export function describe({ strategy, budget, effort }: Condition, responses = 1): string {
  return [
    `${strategy}${responses > 1 ? ` ${responses}` : ''}`,
    ...(budget === null ? [] : [`at most ${plural(budget, 'thinking token')}`]),
    ...(effort === null ? [] : [`effort ${effort}`]),
  ].join(', ')
}

function summarise(
  store: AnswerStore,
  cells: readonly AskedCell[],
  { seeds, recorded }: Grid,
  seconds: number,
): Results {
  const difficulties = new Map<string, Difficulties>()
  for (const task of new Set(cells.map(({ subject }) => subject.taskName))) {
    const answers = cells
      .filter(({ subject }) => subject.taskName === task)
      .flatMap((cell) => answersOf(store, cell).flat(2))
    difficulties.set(task, difficultiesOf(answers))
  }
  return {
    version: 1,
    ruminate: versions().ruminate!,
    created: new Date().toISOString(),
    seconds,
    difficulty: Object.fromEntries([...difficulties].map(([task, { kind }]) => [task, kind])),
    cells: cells.map((cell) =>
      cellResult(cell, answersOf(store, cell), seeds, difficulties.get(cell.subject.taskName)!),
    ),
    recorded,
  }
}

/** The stored answers of a cell, by question and seed. */
function answersOf(store: AnswerStore, { subject, keys, samples }: AskedCell): KeptAnswer[][][] {
  const questions = subject.questions.map(keptQuestion)
  const answers_S_P = keys.map((key) => storedAnswers(store, key, questions, samples))
  return questions.map((_, p) => answers_S_P.map((answers_P) => answers_P[p]!))
}

function cellResult(
  { subject, condition, responses, samples, ks, keys, format }: AskedCell,
  answers_P_S_N: readonly (readonly (readonly KeptAnswer[])[])[],
  seeds: readonly number[],
  difficulties: Difficulties,
): CellResult {
  const seed = seeds[0]!
  const all = answers_P_S_N.flat(2)
  const values = answers_P_S_N
    .filter((answers_S_N) => answers_S_N.flat().length > 0)
    .map((answers_S_N) => questionValues(answers_S_N, ks, seed))
  return {
    ...condition,
    model: subject.name,
    format: format.name,
    sampling: samplingOf(subject.options),
    task: subject.taskName,
    training: subject.training,
    responses,
    keys,
    seeds,
    samples,
    questions: values.filter(({ passAt1 }) => !Number.isNaN(passAt1)).length,
    unknown: all.filter(({ correct }) => correct === null).length,
    passAt1: estimate(
      values.map(({ passAt1 }) => passAt1),
      seed,
    ),
    standardError: standardError(values.map(({ passAt1 }) => passAt1)),
    ...byKind(values),
    atK: atK(values, ks, seed),
    thinkingTokens: estimate(
      values.map(({ thinkingTokens }) => thinkingTokens),
      seed,
      { share: false },
    ),
    completionTokens: estimate(
      values.map(({ completionTokens }) => completionTokens),
      seed,
      { share: false },
    ),
    form: formOf(all, format),
    difficulties: byDifficulty(all, difficulties, seed),
    values,
  }
}

const samplingOf = ({ temperature, topP, topK, minP, maxTokens }: AskOptions): Sampling => ({
  temperature,
  topP,
  topK,
  minP,
  maxTokens,
})

/** Ends an evaluation when a response under a strategy fails: the strategy alone would go on with the others. */
class Failure {
  readonly #controller = new AbortController()
  readonly signal: AbortSignal

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal ? AbortSignal.any([signal, this.#controller.signal]) : this.#controller.signal
  }

  /** The model, whose failures abort the signal. */
  watch(model: TextModel): TextModel {
    const controller = this.#controller
    return {
      ...model,
      async *respond(request) {
        try {
          yield* model.respond(request)
        } catch (error) {
          if (!request.signal?.aborted) controller.abort(error)
          throw error
        }
      },
    }
  }
}

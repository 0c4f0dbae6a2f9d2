import { Random } from '../common/random.ts'
import { stopwatch } from '../common/stopwatch.ts'
import type { AdamSettings, Engine, Trainer } from '../engines/contract.ts'
import { withPolicy } from '../engines/policy.ts'
import type { LoraSettings } from '../models/lora.ts'
import type { Renderer } from '../renderer/renderer.ts'
import { learn, type Sequence } from '../stages/supervise/learn.ts'
import type { Question, Task } from '../tasks/task.ts'
import { type Answers, ask, score } from './ask.ts'
import { type Row, sequenceOf } from './encode.ts'
import type { Speeds } from './estimate.ts'
import { canReinforce, LEAST_ROWS, NEARLY_ALWAYS, type Trial } from './verdict.ts'

/** What is tried: see `surveyModel`. */
interface Trying {
  readonly task: Task
  readonly questions: readonly Question[]
  readonly parameters: number
  /** The adapters to train; null: all weights are. */
  readonly lora: LoraSettings | null
  readonly learningRate: number
  readonly seed: number
  readonly progress: (line: string) => void
}

/**
 * A timed pass over the responses and, where fine-tuning may help and is short, a trial of it. The engine's trainer is used up.
 */
export async function measureTraining(
  engine: Engine,
  renderer: Renderer,
  { task, questions, parameters, lora, learningRate, seed, progress }: Trying,
  {
    sampled,
    rows,
    samples,
    maxTokens,
  }: {
    readonly sampled: Answers | null
    readonly rows: readonly Row[]
    /** Responses to each question, and their longest. */
    readonly samples: number
    readonly maxTokens: number
  },
): Promise<{ trial: Trial | null; speeds: Pick<Speeds, 'training' | 'finetuning'> | null }> {
  if (sampled === null || !engine.can.objectives.includes('cross_entropy'))
    return { trial: null, speeds: null }
  const trainer = await engine.trainer(lora ? { trainable: { lora: { ...lora, seed } } } : {})
  // the trial learns from all rows but a quarter, among the questions that were asked, on which it is measured
  const apart = sampled.checked_P_G.slice(0, Math.max(1, Math.floor(rows.length / 4)))
  const left = new Set(apart.map((checked_G) => checked_G[0]!.question.id))
  const learned = rows.filter(({ question }) => !left.has(question)).map(({ sequence }) => sequence)
  const now = score(sampled.checked_P_G)
  const mayHelp = rows.length >= LEAST_ROWS && !canReinforce(now) && !(now.passAt1 >= NEARLY_ALWAYS)
  let trial: Trial | null = null
  let finetuning: number | null = null
  if (mayHelp && canTry(parameters, learned)) {
    const seconds = stopwatch()
    finetuning = await tryLearning(trainer, learned, {
      learningRate,
      seed,
      onStep: (step) => progress(`trying fine-tuning: step ${step} of ${TRIAL_STEPS}`),
    })
    const { checked_P_G } = await withPolicy({ engine, trainer }, (sampler) =>
      ask(
        sampler,
        renderer,
        task,
        questions.filter(({ id }) => left.has(id)),
        { samples, maxTokens, seed },
      ),
    )
    trial = {
      before: score(apart),
      after: score(checked_P_G),
      steps: TRIAL_STEPS,
      rows: learned.length,
      seconds: seconds(),
    }
  }
  progress('timing a training pass')
  const training = await timeTraining(trainer, parameters, sampled.checked_P_G.flat().map(sequenceOf))
  return { trial, speeds: { training, finetuning: finetuning ?? training } }
}

/** Steps of the trial, and sequences per step: enough to learn from 45 worked solutions. */
const TRIAL_STEPS = 60
const TRIAL_BATCH = 8

/**
 * Most floating point operations for a trial: about twenty seconds on two cores. Larger models and longer texts have no
 * trial.
 */
const MOST_WORK = 1e12

/** Would a trial be short enough? Training takes about 6 operations per parameter and token. */
function canTry(parameters: number, sequences: readonly Sequence[]): boolean {
  const tokens = sequences.reduce((sum, { tokens }) => sum + tokens.length, 0) / sequences.length
  return sequences.length > 0 && 6 * parameters * tokens * TRIAL_STEPS * TRIAL_BATCH < MOST_WORK
}

/** Fine-tunes for a few steps, at a learning rate that falls to 0. Returns the positions trained on per second. */
async function tryLearning(
  trainer: Trainer,
  sequences: readonly Sequence[],
  { learningRate, seed, onStep }: { learningRate: number; seed: number; onStep: (step: number) => void },
): Promise<number> {
  let positions = 0
  let seconds = 0
  let order: Sequence[] = []
  for (let step = 1; step <= TRIAL_STEPS; step++) {
    if (order.length < Math.min(TRIAL_BATCH, sequences.length))
      order = [...order, ...new Random(seed, 'trial', step).shuffle([...sequences])]
    const batch = order.splice(0, TRIAL_BATCH)
    const rate = learningRate * (1 - (step - 1) / TRIAL_STEPS)
    const learned = await learn(trainer, batch, { ...ADAM, learningRate: rate }, step)
    onStep(step)
    // the first step also prepares the computation
    if (step === 1) continue
    positions += batch.reduce((sum, { tokens }) => sum + tokens.length - 1, 0)
    seconds += learned.seconds
  }
  return positions / seconds
}

const ADAM: Omit<AdamSettings, 'learningRate'> = {
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0,
  gradClipNorm: 1,
}

/**
 * The speed of training: a timed pass over responses, as many as a step of reinforcement learning has where that is short.
 * Returns positions per second.
 */
async function timeTraining(
  trainer: Trainer,
  parameters: number,
  sequences: readonly Sequence[],
): Promise<number> {
  const [{ tokens }] = sequences as [Sequence]
  const count = Math.floor(TIMED_WORK / (6 * parameters * tokens.length))
  const timed = sequences.slice(0, Math.min(Math.max(count, LEAST_TIMED), MOST_TIMED))
  // the first pass also prepares the computation
  await learn(trainer, timed.slice(0, LEAST_TIMED), { ...ADAM, learningRate: 0 }, 1)
  const { seconds } = await learn(trainer, timed, { ...ADAM, learningRate: 0 }, 2)
  return timed.reduce((sum, { tokens }) => sum + tokens.length - 1, 0) / seconds
}

/** Floating point operations of the timed pass, and its number of sequences. */
const TIMED_WORK = 2e12
const LEAST_TIMED = 4
const MOST_TIMED = 80

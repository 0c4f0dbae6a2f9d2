import { Random } from '../common/random.ts'
import type { AdamSettings, Trainer } from '../engines/contract.ts'
import { learn, type Sequence } from '../stages/supervise/learn.ts'

/** Steps of the trial, and sequences per step: enough to learn from 45 worked solutions. */
export const TRIAL_STEPS = 60
const TRIAL_BATCH = 8

/**
 * Most floating point operations for a trial: about twenty seconds on two cores. Larger models and longer texts have no
 * trial.
 */
const MOST_WORK = 1e12

/** Would a trial be short enough? Training takes about 6 operations per parameter and token. */
export function canTry(parameters: number, sequences: readonly Sequence[]): boolean {
  const tokens = sequences.reduce((sum, { tokens }) => sum + tokens.length, 0) / sequences.length
  return sequences.length > 0 && 6 * parameters * tokens * TRIAL_STEPS * TRIAL_BATCH < MOST_WORK
}

/** Fine-tunes for a few steps, at a learning rate that falls to 0. Returns the positions trained on per second. */
export async function tryLearning(
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
export async function timeTraining(
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

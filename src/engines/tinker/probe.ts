import { UserError } from '../../common/errors.ts'
import {
  TinkerError,
  type TinkerModel,
  type TinkerSession,
  type Datum as WireDatum,
} from '../../tinker/index.ts'
import { floats, type LossScale, wireDatum } from './loss.ts'

/** What a server does, as measured with a model of its own that is then dropped. */
export interface Measured extends LossScale {
  /** Do the weights of a sampler and of training share one place, so that sampling earlier ones changes what is trained? */
  readonly sharesWeights: boolean
  /** Does it recognise a request that it has had already? */
  readonly recognisesRepeats: boolean
}

const ADAM = { beta1: 0, beta2: 0, weight_decay: 0, grad_clip_norm: 0 }

/**
 * Measures what the server's loss means, and what it does with a sampler of earlier weights, by a few requests of a few
 * tokens.
 *
 * The gradient g of Σ w·loss doubles with w; where each sequence is divided by Σ w, it does not change. The norm of g is a
 * metric of the step or, where it is missing, follows from how far one step with a large ε moves the log-probs, which is
 * proportional to g then.
 *
 * @throws UserError if the gradient is neither: a loss that is averaged in a way that cannot be undone.
 */
export async function measure(
  session: TinkerSession,
  model: TinkerModel,
  vocabulary: number,
): Promise<Measured> {
  const length = 4
  /** A text whose tokens all count, or its first one alone. */
  const whole = (weight: number) => new Float32Array(length).fill(weight)
  const first = Float32Array.from({ length }, (_, t) => Number(t === 0))
  const datum = (weights: Float32Array): WireDatum =>
    wireDatum(
      {
        tokens: Int32Array.from({ length }, (_, t) => (7 * t + 1) % vocabulary),
        targets: Int32Array.from({ length }, (_, t) => (7 * t + 8) % vocabulary),
        weights: whole(1),
      },
      { weights: floats(weights) },
    )
  const logprobs = async () => {
    const { loss_fn_outputs } = await model.forward([datum(whole(1))])
    return Array.from(loss_fn_outputs[0]!.logprobs!.data)
  }
  const backward = (...batch: readonly Float32Array[]) =>
    model.forwardBackward(batch.map(datum), 'cross_entropy')
  /** Proportional to the norm of the gradient of a batch. */
  const gradient = async (...batch: readonly Float32Array[]): Promise<number> => {
    const before = reported ? [] : await logprobs()
    await backward(...batch)
    const norm = normOf(await model.optimStep({ ...ADAM, learning_rate: reported ? 0 : 0.1, eps: 1e3 }))
    if (norm !== null) return norm
    const after = await logprobs()
    return Math.hypot(...after.map((value, t) => value - before[t]!))
  }
  // new adapters have gradients of their B alone: a first step gives all of them one
  await backward(whole(1))
  const reported = normOf(await model.optimStep({ ...ADAM, learning_rate: 1e-3, eps: 1e-8 })) !== null
  const one = await gradient(whole(1))
  const double = (await gradient(whole(2))) / one
  const two = (await gradient(whole(1), whole(1))) / one
  let reduction: LossScale['reduction']
  if (near(double, 2) && near(two, 2)) reduction = 'sum'
  else if (near(double, 1) && near(two, 1) && (await isMeanOfSequences(one, first, whole(1), gradient)))
    reduction = 'sequence-mean'
  else
    throw new UserError(
      `${session.server} has a loss that is neither a sum over tokens nor a mean over each sequence: twice the weights gave ${double.toFixed(2)} times the gradient, twice the data ${two.toFixed(2)} times`,
    )
  return {
    reduction,
    sharesWeights: await sharesWeights(model, logprobs, () => backward(whole(1))),
    recognisesRepeats: model.encoding === 'protobuf',
  }
}

const near = (value: number, expected: number): boolean => Math.abs(value / expected - 1) < 0.2

/**
 * Is it the mean over sequences of each one's mean, not the mean over all tokens? With the means' gradients u (of a long text) and
 * b (of a short one), the former is |u + b|/2 of one of each and |u + 2b|/3 of two short ones; both have the unknown u·b.
 */
async function isMeanOfSequences(
  u: number,
  short: Float32Array,
  long: Float32Array,
  gradient: (...batch: readonly Float32Array[]) => Promise<number>,
): Promise<boolean> {
  const b = await gradient(short)
  const [both, three] = [await gradient(long, short), await gradient(long, short, short)]
  // |u + b|² = u² + b² + 2u·b
  const twice = (2 * both) ** 2 - u ** 2 - b ** 2
  const expected = Math.sqrt(Math.max(0, u ** 2 + 4 * b ** 2 + 2 * twice)) / 3
  return Math.abs(three / expected - 1) < 0.05
}

/** Saves weights for sampling, changes them, samples the saved ones, and looks whether the trainer's have changed back. */
async function sharesWeights(
  model: TinkerModel,
  logprobs: () => Promise<number[]>,
  backward: () => Promise<unknown>,
): Promise<boolean> {
  const saved = await logprobs()
  const sampler = await model.saveForSampling('probe')
  await backward()
  await model.optimStep({ ...ADAM, learning_rate: 1e-2, eps: 1e-8 })
  const trained = await logprobs()
  await sampler.sample([1, 2], { max_tokens: 1, seed: 1 }).catch((error: unknown) => {
    if (!(error instanceof TinkerError)) throw error
  })
  const now = await logprobs()
  const distance = (a: number[], b: number[]) => Math.hypot(...a.map((value, t) => value - b[t]!))
  return distance(now, saved) < distance(now, trained)
}

/** The gradient's norm among the metrics of a step; null if it is not there. */
export function normOf(metrics: Readonly<Record<string, number>>): number | null {
  for (const [name, value] of Object.entries(metrics))
    if (/(^|[/.])grad(ient)?_norm(:\w+)?$/.test(name)) return value
  return null
}

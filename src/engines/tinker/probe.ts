import { UserError } from '../../common/errors.ts'
import { TinkerError, type TinkerModel, type TinkerSession } from '../../tinker/index.ts'
import type { Datum } from '../contract.ts'
import { floats, type LossScale, wireDatum } from './loss.ts'

/** What a server does, as measured with a model of its own that is then dropped. */
export interface Measured extends LossScale {
  /** Do the weights of a sampler and of training share one place, so that sampling earlier ones changes what is trained? */
  readonly sharesWeights: boolean
  /** Does it recognise a request that it has had already? */
  readonly recognisesRepeats: boolean
}

const SGD = { learning_rate: 1e-3, beta1: 0, beta2: 0, weight_decay: 0, grad_clip_norm: 0 }

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
  const datum = (weight: number): Datum => ({
    tokens: Int32Array.from({ length }, (_, t) => (7 * t + 1) % vocabulary),
    targets: Int32Array.from({ length }, (_, t) => (7 * t + 8) % vocabulary),
    weights: new Float32Array(length).fill(weight),
  })
  const batch = (weight: number, n: number) =>
    Array.from({ length: n }, () => wireDatum(datum(weight), { weights: floats(datum(weight).weights) }))
  const logprobs = async () => {
    const { loss_fn_outputs } = await model.forward(batch(1, 1))
    return Array.from(loss_fn_outputs[0]!.logprobs!.data)
  }
  /** Proportional to the norm of the gradient of such a batch. */
  const gradient = async (weight: number, n: number): Promise<number> => {
    const before = await logprobs()
    await model.forwardBackward(batch(weight, n), 'cross_entropy')
    const metrics = await model.optimStep({ ...SGD, eps: 1e3 })
    const norm = normOf(metrics)
    if (norm !== null) return norm
    const after = await logprobs()
    return Math.hypot(...after.map((value, t) => value - before[t]!))
  }
  // adapters without effect have gradients of their B alone: a first step gives all of them one
  await model.forwardBackward(batch(1, 1), 'cross_entropy')
  await model.optimStep({ ...SGD, learning_rate: 1e-3, eps: 1e-8 })
  const one = await gradient(1, 1)
  const double = (await gradient(2, 1)) / one
  const two = (await gradient(1, 2)) / one
  const near = (value: number, expected: number) => Math.abs(value / expected - 1) < 0.2
  let reduction: LossScale['reduction']
  if (near(double, 2) && near(two, 2)) reduction = 'sum'
  else if (near(double, 1) && near(two, 1)) reduction = 'sequence-mean'
  else
    throw new UserError(
      `${session.server} has a loss that is neither a sum over tokens nor a mean over each sequence: twice the weights gave ${double.toFixed(2)} times the gradient, twice the data ${two.toFixed(2)} times`,
    )
  return {
    reduction,
    sharesWeights: await sharesWeights(model, logprobs, () =>
      model.forwardBackward(batch(1, 1), 'cross_entropy'),
    ),
    recognisesRepeats: model.encoding === 'protobuf',
  }
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
  await model.optimStep({ ...SGD, learning_rate: 1e-2, eps: 1e-8 })
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

/*
 * The settings with which a table and a model are first tried: what `ruminate init` writes into ruminate.yaml.
 */

/** The numbers of `sft`, `zero` and `eval` for one table and one model. */
export interface FirstSettings {
  /** Low-rank adapters, which are trained in the place of all weights; null: all weights are. */
  readonly lora: { readonly rank: number } | null
  readonly sft: {
    readonly epochs: number
    readonly batchSize: number
    readonly learningRate: number
    readonly maxLength: number
    /** Steps between evaluations. */
    readonly every: number
  }
  readonly zero: {
    readonly steps: number
    readonly questionsPerStep: number
    readonly groupSize: number
    readonly maxTokens: number
    readonly learningRate: number
    /** Steps between evaluations. */
    readonly every: number
  }
  /** Held-out questions of an evaluation, and responses to each. */
  readonly questions: number
  readonly samples: number
}

/** What they depend on. */
export interface Sizes {
  /** Number of questions on each side. */
  readonly training: number
  readonly heldOut: number
  /** Of the model. */
  readonly parameters: number
  /** Can adapters be trained? */
  readonly adapters: boolean
  /** Longest sequence that the model takes; null if unknown. */
  readonly positions: number | null
  /** Tokens of the longest solution with its prompt; 0 if the rows have no answers. */
  readonly longest: number
  /** Longest response in tokens that was allowed when the model was asked, and the share that reached it. */
  readonly maxTokens: number
  readonly cut: number
  /** Tokens of the longest prompt, and of a long response: of a solution, or of what the model answers. */
  readonly prompt: number
  readonly response: number
}

interface LearningRates {
  readonly sft: number
  readonly zero: number
}

/** How models below a number of parameters are trained: with which learning rates, and those of adapters where these are proposed. */
interface SizeClass {
  readonly below: number
  readonly all: LearningRates
  readonly adapters: LearningRates | null
}

/**
 * Learning rates by the number of parameters, up to the first that is not below the model's: those of the miniature, with a
 * lower one for reinforcement learning on a small table (three seeds of examples/coins.csv end at 84 to 85 % with 2e-4, and
 * at 66 to 95 % with 5e-4), and for larger models the usual ones.
 *
 * Adapters are proposed where training all weights is no longer comfortable on a few cores: of 25M parameters a step of `zero`
 * takes 3 s and 1.7 GiB, of 135M 16 s and 7 GiB, of 494M 67 s and 16 GiB (README, "What fits which machine"). Their rates are
 * those of docs/lora.md for 135M parameters, and else ten times those of all weights.
 */
const SIZES: readonly SizeClass[] = [
  { below: 5e6, all: { sft: 1e-3, zero: 2e-4 }, adapters: null },
  { below: 5e7, all: { sft: 3e-4, zero: 5e-5 }, adapters: null },
  { below: 5e8, all: { sft: 5e-5, zero: 5e-6 }, adapters: { sft: 5e-4, zero: 1e-4 } },
  { below: Infinity, all: { sft: 1e-5, zero: 1e-6 }, adapters: { sft: 1e-4, zero: 1e-5 } },
]

/** The rank of the adapters that are proposed. */
const RANK = 16

/** What of a model of this size is trained, and with which learning rates. `adapters`: whether they can be trained. */
export function firstTraining({ parameters, adapters }: Pick<Sizes, 'parameters' | 'adapters'>): {
  readonly lora: FirstSettings['lora']
  readonly learningRates: LearningRates
} {
  const size = SIZES.find(({ below }) => parameters < below)!
  return adapters && size.adapters
    ? { lora: { rank: RANK }, learningRates: size.adapters }
    : { lora: null, learningRates: size.all }
}

/**
 * Optimizer steps of fine-tuning: 60 taught 45 worked solutions of one kind, as in the trial of `init`. After 120 the
 * training rows were known by heart, which leaves reinforcement learning nothing to tell apart. Large tables take at least
 * 3 epochs, small ones at most 40.
 */
const SFT_STEPS = 60
const EPOCHS = { least: 3, most: 40 }

/** Evaluations during fine-tuning. */
const EVALUATIONS = 4

/** Questions and responses of an evaluation at most: pass@1 on 300 questions is known to about 3 points. */
const EVALUATED = 300

/** The settings for these sizes. */
export function firstSettings(sizes: Sizes): FirstSettings {
  const { training, heldOut, positions, longest, prompt } = sizes
  const { lora, learningRates } = firstTraining(sizes)
  const batchSize = training < 200 ? 8 : 16
  const perEpoch = Math.ceil(training / batchSize)
  const room = positions === null ? Infinity : positions - prompt
  const questions = Math.min(heldOut, EVALUATED)
  const steps = training < 100 ? 60 : training < 1000 ? 100 : 200
  const epochs = clamp(Math.ceil(SFT_STEPS / perEpoch), EPOCHS.least, EPOCHS.most)
  return {
    lora,
    sft: {
      epochs,
      batchSize,
      learningRate: learningRates.sft,
      maxLength: Math.min(Math.max(tens(1.2 * longest), 512), positions ?? Infinity),
      every: Math.ceil((epochs * perEpoch) / EVALUATIONS),
    },
    zero: {
      steps,
      questionsPerStep: Math.min(10, training),
      groupSize: 8,
      maxTokens: Math.max(Math.min(longestResponse(sizes), room), 1),
      learningRate: learningRates.zero,
      every: 20,
    },
    questions,
    samples: clamp(Math.round(EVALUATED / questions), 1, 10),
  }
}

/** Room for responses to grow: RL lengthened those of the miniature to almost three times. */
const GROWTH = 4
const SHORTEST = 100

/** Longest response to allow. One that is cut off has no answer: twice as long where many were. */
function longestResponse({ maxTokens, cut, response }: Sizes): number {
  if (cut > 0.1) return 2 * maxTokens
  return Math.min(maxTokens, Math.max(SHORTEST, tens(GROWTH * response)))
}

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most)
/** Rounded up to a multiple of ten. */
const tens = (value: number): number => 10 * Math.ceil(value / 10)

/*
 * The settings with which a table and a model are first tried: what `ruminate init` writes into ruminate.yaml.
 */

/** The numbers of `sft`, `zero` and `eval` for one table and one model. */
export interface FirstSettings {
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

/**
 * Learning rates by the number of parameters, up to the first that is not below the model's: those of the miniature, with a
 * lower one for reinforcement learning on a small table (three seeds of examples/coins.csv end at 84 to 85 % with 2e-4, and
 * at 66 to 95 % with 5e-4), and for larger models the usual ones for training all weights.
 */
const LEARNING_RATES: readonly { below: number; sft: number; zero: number }[] = [
  { below: 5e6, sft: 1e-3, zero: 2e-4 },
  { below: 5e7, sft: 3e-4, zero: 5e-5 },
  { below: 5e8, sft: 5e-5, zero: 5e-6 },
  { below: Infinity, sft: 1e-5, zero: 1e-6 },
]

export const learningRatesOf = (parameters: number) => LEARNING_RATES.find(({ below }) => parameters < below)!

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
  const { training, heldOut, parameters, positions, longest, prompt } = sizes
  const rates = learningRatesOf(parameters)
  const batchSize = training < 200 ? 8 : 16
  const perEpoch = Math.ceil(training / batchSize)
  const room = positions === null ? Infinity : positions - prompt
  const questions = Math.min(heldOut, EVALUATED)
  const steps = training < 100 ? 60 : training < 1000 ? 100 : 200
  const epochs = clamp(Math.ceil(SFT_STEPS / perEpoch), EPOCHS.least, EPOCHS.most)
  return {
    sft: {
      epochs,
      batchSize,
      learningRate: rates.sft,
      maxLength: Math.min(Math.max(tens(1.2 * longest), 512), positions ?? Infinity),
      every: Math.ceil((epochs * perEpoch) / EVALUATIONS),
    },
    zero: {
      steps,
      questionsPerStep: Math.min(10, training),
      groupSize: 8,
      maxTokens: Math.max(Math.min(longestResponse(sizes), room), 1),
      learningRate: rates.zero,
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

/** What was measured on this machine. */
export interface Speeds {
  /** Sampled tokens per second. */
  readonly sampling: number
  /** Positions trained on per second, prompts included: in reinforcement learning, and in fine-tuning. */
  readonly training: number
  readonly finetuning: number
  /** Most memory that the process has had so far, in bytes. */
  readonly memory: number
}

/** Mean lengths in tokens. */
export interface MeanTokens {
  readonly prompt: number
  readonly response: number
}

/** Seconds of each command, and bytes of memory. */
export interface Estimate {
  /** Null if there is nothing to fine-tune on. */
  readonly sft: number | null
  readonly zero: number
  readonly eval: number
  readonly memory: number
}

/** The part of the settings that takes time. */
interface Planned {
  /** Adapters; null: all weights are trained. */
  readonly lora?: object | null
  readonly sft: { readonly epochs: number; readonly batchSize: number; readonly every: number }
  readonly zero: {
    readonly steps: number
    readonly questionsPerStep: number
    readonly groupSize: number
    readonly every: number
  }
  /** Held-out questions and responses to each, of an evaluation. */
  readonly questions: number
  readonly samples: number
}

interface Workload {
  /** Number of questions on each side. */
  readonly training: number
  readonly heldOut: number
  /** Of the responses that are sampled, and of the solutions; null if there are none. */
  readonly tokens: MeanTokens
  readonly solutions: MeanTokens | null
  readonly parameters: number
  readonly speeds: Speeds
}

/** Seconds to load a model, prepare its computation and write its files, as measured on the miniature. */
const START = 3
/** Time of a pass without gradients, as a share of a training pass. */
const SCORING = 1 / 3
/** Bytes of a parameter. */
const PARAMETER = 4

/** How long the commands of a settings file take on this machine, and the most memory that one of them needs. */
export function estimate(
  { lora, sft, zero, questions, samples }: Planned,
  { training, heldOut, tokens, solutions, parameters, speeds }: Workload,
): Estimate {
  const evaluation = (questions * samples * tokens.response) / speeds.sampling
  const evaluations = 2 + Math.floor((zero.steps - 1) / zero.every)
  const rollouts = zero.steps * zero.questionsPerStep * zero.groupSize
  const losses = 2 + Math.floor((sft.epochs * Math.ceil(training / sft.batchSize) - 1) / sft.every)
  const row = solutions && solutions.prompt + solutions.response
  return {
    // epochs over the training rows, and evaluations of the loss on the held-out rows
    sft: row && START + ((sft.epochs * training + losses * heldOut * SCORING) * row) / speeds.finetuning,
    // rollouts are sampled, scored by the reference policy, and trained on
    zero:
      START +
      (rollouts * tokens.response) / speeds.sampling +
      (rollouts * (tokens.prompt + tokens.response) * (1 + SCORING)) / speeds.training +
      evaluations * evaluation,
    eval: START + evaluation,
    // the reference policy's weights are held beside the policy's, unless it is the base without its adapters
    memory: speeds.memory + (lora ? 0 : PARAMETER * parameters),
  }
}

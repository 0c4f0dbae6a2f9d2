import type { Objective, RatioKind, SurrogateName } from '../algorithms/objectives.ts'
import type { ModelConfig } from '../models/config.ts'
import type { Lora } from '../models/lora.ts'

/*
 * The engine port: everything above this folder reaches a model through these interfaces, whether it is computed in this
 * process or on a cluster. Tokens in, tokens out; weights by reference; log-probabilities in nats.
 */

/** What to open: one model, on one engine. */
export interface EngineSpec {
  /** A Hugging Face folder, or weights in memory. */
  readonly model: string | ModelInMemory
  /** Give a language model a new scalar head, random by `seed`. A model that already has such a head keeps it. */
  readonly rewardHead?: { readonly seed: number } | undefined
  /** Number of compute threads, at least 1; by default one per core, at most 8. */
  readonly threads?: number | undefined
  /** Where the engine `tinker` finds its server. */
  readonly tinker?: TinkerSettings | null | undefined
  /** Told in one line when a server fails and when it works again; by default these are warnings of Node. */
  readonly onWarning?: ((line: string) => void) | undefined
}

/** A Tinker server. Its key is in the environment, as TINKER_API_KEY. */
export interface TinkerSettings {
  /** Its address; by default the environment's TINKER_BASE_URL. */
  readonly url?: string | null | undefined
  /** The server's name of the model; by default the one with the name of the folder. */
  readonly model?: string | null | undefined
  /** Seconds that it may be silent before the run fails; by default half an hour. */
  readonly patience?: number | undefined
  /** Requests for samples under way at the same time; by default 64. */
  readonly concurrency?: number | undefined
  /** Rank of the adapters that the server is measured with; by default 1. 0: all weights, for a server without adapters. */
  readonly probeRank?: number | undefined
}

/** A model that has not been saved to a folder. */
export interface ModelInMemory {
  readonly config: ModelConfig
  readonly parameters: Map<string, Float32Array>
  /** The folder to take its tokenizer from, which is saved with the model. */
  readonly tokenizerFrom?: string | undefined
}

/** An open model. Whoever opens it must close it, also after a failure. */
export interface Engine {
  /** What the engine can do; checked before a run starts. */
  readonly can: Capabilities
  /** The weights that the engine was opened with. */
  readonly base: Weights
  /** Weights that `Trainer.save` or `Engine.save` wrote. */
  saved(directory: string): Weights
  /**
   * Writes weights to a folder as a Hugging Face model, for `saved` to find.
   *
   * @throws UserError if it is the folder that the engine was opened from, or cannot be written.
   */
  save(weights: Weights, directory: string): Promise<void>
  /** Opens weights to sample from. */
  sampler(weights: Weights, options?: SamplerOptions): Promise<Sampler>
  /** Opens weights to read log-probabilities with, such as those of the KL reference policy. */
  scorer(weights: Weights): Promise<Scorer>
  /** Opens a reward model's weights. */
  rewardScorer(weights: Weights): Promise<RewardScorer>
  /**
   * Opens the engine's only trainer, which starts from the base weights.
   *
   * @throws Error if it has a trainer already, or cannot train what the options ask for.
   */
  trainer(options?: TrainerOptions): Promise<Trainer>
  /**
   * Makes the pending and all later calls that sample, score or compute gradients fail with `reason`, as soon as the engine
   * can. The weights and the optimizer's state stay as they are, so that they can be saved without waiting for such a call.
   */
  cancel(reason: unknown): void
  /** Fails all pending calls and frees everything. Closing again does nothing. */
  close(): Promise<void>
}

export interface Capabilities {
  /** Kinds of objectives that the engine can train on. */
  readonly objectives: readonly Objective['kind'][]
  /** What a policy objective can maximise; empty if the engine has no such objective. */
  readonly surrogates: readonly SurrogateName[]
  /** The ratios that a policy objective can have. */
  readonly ratios: readonly RatioKind[]
  /** Can a policy objective have dual clipping? */
  readonly dualClip: boolean
  /** Can a policy objective have KL-Cov's penalty on marked tokens? */
  readonly klCov: boolean
  /** Can the loss have a KL term to the reference policy? If not, a KL penalty can only be part of the reward. */
  readonly klInLoss: boolean
  /**
   * Can a policy objective and a scorer have a temperature other than 1? If not, a policy can only be trained on
   * responses sampled at temperature 1.
   */
  readonly temperature: boolean
  /**
   * Does a sampler report log-probs at any temperature, and those of the truncated distribution that it drew from? If not,
   * they are NaN except at temperature 1 without truncation, and `minP` is refused.
   */
  readonly samplingLogprobs: boolean
  /** Does a sampler report the likeliest tokens of each position? */
  readonly topLogprobs: boolean
  /** Does each sequence depend on (seed, first + i) alone? If not, also on how many were asked for together. */
  readonly sequenceSeeds: boolean
  /** What can be trained: all weights, or low-rank adapters. A trainer of anything else is refused. */
  readonly trainable: readonly ('all' | 'lora')[]
  /** Does the model have a scalar head? It then scores texts and learns from comparisons, but cannot be sampled. */
  readonly rewardHead: boolean
  /**
   * Does a stopped and resumed run equal an uninterrupted one bit for bit, with the same number of threads? A promise to
   * users, which the conformance tests check; nothing else reads it.
   */
  readonly bitExactResume: boolean
  /** Longest sequence in tokens, including the prompt; null if unknown. */
  readonly maxTokens: number | null
  /** Number of token ids that the model knows, from 0; null if unknown. */
  readonly vocabulary: number | null
  /**
   * How many versions of the weights open samplers and scorers can hold besides the current one; null if there is no
   * limit. A step, or opening a sampler or scorer, fails if it would exceed the limit. A promise to callers, which the
   * conformance tests check; nothing else reads it.
   */
  readonly heldVersions: number | null
}

/**
 * Which of the weights a trainer changes: all of them, or new low-rank adapters and, in a reward model, its head. With
 * adapters, the base weights stay as they are, `Trainer.save` writes a PEFT folder, and `Engine.base` can always be opened
 * and costs no memory.
 */
export type Trainable = 'all' | { readonly lora: Lora }

/**
 * A reference to weights: of the base model, a checkpoint, or a trainer at some step. Valid only in the engine that made
 * it.
 */
export interface Weights {
  readonly kind: 'base' | 'checkpoint' | 'snapshot'
  /** For messages: a folder, an address, or the step. */
  readonly name: string
}

/** One training sequence. All arrays have the same length T; position t predicts `targets[t]` from `tokens[0..t]`. */
export interface Datum {
  /** Input token ids. */
  readonly tokens: Int32Array
  /** The token to predict at each position; ignored where the weight is 0. */
  readonly targets: Int32Array
  /** Factor of each position's loss term; 0 leaves the position out (prompt, padding). */
  readonly weights: Float32Array
  /** log π_old(target) at the objective's temperature, from the sampler. Needed by every policy objective. */
  readonly logprobs?: Float32Array
  /** log π_ref(target) at the objective's temperature, needed when the objective reads the reference policy. */
  readonly reference?: Float32Array
  /** Advantage of each position. Needed by every policy objective. */
  readonly advantages?: Float32Array
  /** 1 for each position with KL-Cov's penalty, else 0. Needed by an objective that has it. */
  readonly marked?: Float32Array
}

/** A training sequence of reinforcement learning. */
export type PolicyDatum = Datum & Required<Pick<Datum, 'logprobs' | 'advantages'>>

/** What a reward model learns from: a better text and a worse one, or one text with its label. */
export interface Comparison {
  readonly texts: readonly {
    readonly tokens: Int32Array
    /** +1 for the better text, or a good one; −1 for the worse text, or a bad one. */
    readonly sign: 1 | -1
  }[]
  /** Factor of its loss term. */
  readonly weight: number
}

export interface AdamSettings {
  readonly learningRate: number
  /** In [0, 1), like `beta2`. */
  readonly beta1: number
  readonly beta2: number
  readonly eps: number
  readonly weightDecay: number
  /** The gradient is clipped to this global norm; 0 does not clip. */
  readonly gradClipNorm: number
}

export interface TrainerOptions {
  /** By default all weights. */
  readonly trainable?: Trainable | undefined
}

/** Changes the current weights. Values that an engine does not report are null. */
export interface Trainer {
  /**
   * Adds the objective's gradients over `datums` to the accumulated gradient. A failure clears the accumulated gradient.
   *
   * For `dpo`, the datums are pairs: a chosen answer, then the rejected one. All positions of a pair that have a weight have
   * the same: the factor of the pair's loss term.
   *
   * @throws Error for an unknown objective, or a datum that does not fit the objective or the model.
   */
  forwardBackward(datums: readonly Datum[], objective: Objective): Promise<ForwardBackwardResult>
  /** The same for a reward model: −Σ weight · log σ(z), z = Σ sign · reward over a comparison's texts. */
  compare(comparisons: readonly Comparison[]): Promise<ComparisonResult>
  /**
   * One AdamW step on the accumulated gradient, which is then cleared, even if the step fails.
   *
   * @throws UserError if a setting is outside its range or the gradient is not finite; the weights are then unchanged.
   */
  optimStep(adam: AdamSettings): Promise<{ readonly gradNorm: number | null }>
  /** The current weights. They last until the next step, or as long as an open sampler or scorer holds them. */
  snapshot(): Promise<Weights>
  /**
   * Writes a Hugging Face folder; with `optimizer`, also the optimizer's state, which `load` needs.
   *
   * @throws UserError if it is the folder that the engine was opened from, or cannot be written.
   */
  save(directory: string, options?: { optimizer?: boolean; dtype?: 'F32' | 'BF16' }): Promise<void>
  /** Restores what `save(…, { optimizer: true })` wrote; with `optimizer: false` only the weights, as before the first step. */
  load(directory: string, options?: { optimizer?: boolean }): Promise<void>
}

export interface ForwardBackwardResult {
  /** The summed loss Σ weight·loss. */
  readonly loss: number
  /** Per datum, log π_θ(target) at the objective's temperature, before the step (NaN where the weight is 0). */
  readonly logprobs: Float32Array[]
  /** Per datum, entropy in nats of the next-token distribution at that temperature (NaN where the weight is 0). */
  readonly entropies: Float32Array[] | null
  /** Per datum, the objective's clip flags: +1 clipped above, −1 clipped below, 0 not clipped. */
  readonly clipped: Float32Array[] | null
  /** Floating point operations spent. */
  readonly flops: number | null
}

export interface ComparisonResult {
  /** The summed loss. */
  readonly loss: number
  /** Per comparison, the reward of each text, before the step. */
  readonly rewards: number[][]
  readonly flops: number | null
}

/**
 * Computes log-probabilities with fixed weights, which it holds until it is closed, whatever the trainer does. `close` lets
 * the calls finish that have begun; the same is true of reward scorers and samplers.
 */
export interface Scorer {
  /**
   * Per datum, log π(target) at each position (NaN where the weight is 0), where π = softmax(logits / temperature).
   *
   * @throws UserError for a temperature outside its range, or one that the engine cannot honour.
   */
  logprobs(
    datums: readonly Pick<Datum, 'tokens' | 'targets' | 'weights'>[],
    options?: ScoreOptions,
  ): Promise<Float32Array[]>
  close(): Promise<void>
}

export interface ScoreOptions {
  /** At least 1e-6; by default 1. */
  readonly temperature?: number | undefined
}

/** Computes rewards with fixed weights of a reward model, which it holds until it is closed. */
export interface RewardScorer {
  /** The reward of each text, read at its last token other than padding, as Transformers' sequence classifiers do. */
  rewards(texts: readonly Int32Array[]): Promise<number[]>
  close(): Promise<void>
}

export interface SamplerOptions {
  /**
   * `batch`, the default: requests of one tick are sampled together, and later ones wait until they have ended, so that the
   * same calls give the same bits. `continuous`: a request joins those being sampled and leaves when it has ended, for
   * servers.
   */
  readonly schedule?: 'batch' | 'continuous' | undefined
}

/** Samples with fixed weights, which it holds until it is closed, whatever the trainer does. */
export interface Sampler {
  /**
   * Requests made in the same tick are batched together.
   *
   * @throws Error for a prompt that is empty, too long, or has tokens outside the vocabulary, and for an option outside
   * its range.
   * @throws UserError if the model's probabilities are not finite, as after a training that diverged.
   */
  sample(prompt: Int32Array, options: SampleOptions): Promise<SampledSequence[]>
  /** What it is doing now, for metrics and admission; missing if the engine does not know. */
  load?(): SamplerLoad
  close(): Promise<void>
}

/** What a sampler is doing. Token counts are since it was opened. */
export interface SamplerLoad {
  /** Sequences being sampled. */
  readonly running: number
  /** Sequences that were asked for and have no place among those being sampled yet. */
  readonly waiting: number
  readonly sampledTokens: number
  /** Tokens of prompts that were computed, without those that an earlier request had computed. */
  readonly promptTokens: number
  /** Tokens of prompts that an earlier request had computed. */
  readonly cachedTokens: number
}

/**
 * Which tokens may be drawn, of the tokens in order of their probability at the temperature (the lower id first if two are
 * equally likely). Several can be combined; they then apply in this order, as in Transformers.
 */
export interface Truncation {
  /** Keep the likeliest topK tokens. 0, the default, keeps all. */
  readonly topK?: number | undefined
  /**
   * Keep the fewest likeliest tokens that have together at least this share of the probability that `topK` kept. In
   * (0, 1]; 1, the default, keeps all.
   */
  readonly topP?: number | undefined
  /** Keep tokens that are at least minP times as likely as the likeliest. In [0, 1]; 0, the default, keeps all. */
  readonly minP?: number | undefined
}

export interface SampleOptions extends Truncation {
  /** Number of sequences for this prompt. An engine may compute them in several batches if they are many. */
  readonly n: number
  readonly maxTokens: number
  /** At least 1e-6; or 0, which takes the likeliest token (the lower id of two). */
  readonly temperature: number
  /** Token ids that end a sequence; the stop token is kept as the last token of the sequence. */
  readonly stopTokens?: readonly number[]
  /** A sequence ends once its decoded text contains one of these strings. */
  readonly stop?: readonly string[]
  /** Sequence i uses the random stream (seed, first + i), so results do not depend on the rest of the batch. */
  readonly seed: number
  /** By default 0. */
  readonly first?: number | undefined
  /** Called for every new token of sequence `index`, for streaming. */
  readonly onToken?: (index: number, token: number, detail?: TokenDetail) => void
  /** Report the log-probs of this many likeliest tokens at each position. By default 0. */
  readonly topLogprobs?: number | undefined
  /** When aborted, the request's sequences end at once, and the call fails with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Called when sequence `index` has ended, for progress. */
  readonly onEnd?: ((index: number) => unknown) | undefined
}

/** What is known about a sampled token. Log-probs are in nats, of softmax(logits / temperature), untruncated. */
export interface TokenDetail {
  readonly logprob: number
  /** The likeliest tokens, likeliest first; as many as `topLogprobs` says. */
  readonly top: readonly { readonly token: number; readonly logprob: number }[]
}

export interface SampledSequence {
  /** Sampled tokens, without the prompt, with the stop token if there was one. */
  readonly tokens: Int32Array
  /**
   * log π(token) in nats, where π = softmax(logits / temperature), untruncated: the policy that is trained. For greedy
   * sampling (temperature 0), π is that of temperature 1.
   */
  readonly logprobs: Float32Array
  /**
   * log-prob of each token under the distribution it was drawn from: π truncated to the tokens that `Truncation` keeps.
   * For greedy sampling it is 0. The same array if they are equal.
   */
  readonly samplingLogprobs: Float32Array
  readonly stopReason: 'stop' | 'length'
  /** Of the prompt's tokens, those that an earlier request had computed already; missing if the engine does not report it. */
  readonly cachedTokens?: number | undefined
}

import type { Objective } from '../algorithms/objectives.ts'

/** One training sequence. All arrays have the same length T; position t predicts `targets[t]` from `tokens[0..t]`. */
export interface Datum {
  /** Input token ids. */
  readonly tokens: Int32Array
  /** The token to predict at each position; ignored where the weight is 0. */
  readonly targets: Int32Array
  /** Factor of each position's loss term; 0 leaves the position out (prompt, padding). */
  readonly weights: Float32Array
  /** log π_old(target): the sampler's log-probabilities in nats. Needed by every reinforcement objective. */
  readonly logprobs?: Float32Array
  /** log π_ref(target), needed when the objective has a KL term. */
  readonly reference?: Float32Array
  /** Advantage of each position. Of a text that a reward model reads: +1 where it is the better or good one, else −1. */
  readonly advantages?: Float32Array
  /**
   * Of a text that a reward model reads: the number of its comparison. Its one position with a weight is where the
   * reward is read, and the weights of a comparison's texts add up to the comparison's.
   */
  readonly comparison?: number
}

export interface ForwardResult {
  /** Per datum, log π_θ(target) in nats for each position (NaN where the weight is 0); of a reward model, the reward. */
  readonly logprobs: Float32Array[]
}

export interface ForwardBackwardResult extends ForwardResult {
  /** The summed loss Σ weight·loss. */
  readonly loss: number
  /** Per datum, entropy of the next-token distribution in nats (NaN where the weight is 0, and of a reward model). */
  readonly entropies: Float32Array[]
  /** Per datum, the objective's clip flags: +1 clipped above, -1 clipped below, 0 not clipped. */
  readonly clipped: Float32Array[]
  /** Floating point operations spent. */
  readonly flops: number
}

export interface AdamSettings {
  readonly learningRate: number
  readonly beta1: number
  readonly beta2: number
  readonly eps: number
  readonly weightDecay: number
  /** Clip the global gradient norm to this; 0 does not clip. */
  readonly gradClipNorm: number
}

export interface Trainer {
  /** Adds the objective's gradients over `datums` to the accumulated gradient. */
  forwardBackward(datums: readonly Datum[], objective: Objective): Promise<ForwardBackwardResult>
  /** Log-probabilities alone. `weights: 'reference'` asks the frozen reference policy. */
  forward(datums: readonly Datum[], options?: { weights?: 'policy' | 'reference' }): Promise<ForwardResult>
  /** One AdamW step on the accumulated gradient, which is then cleared. */
  optimStep(adam: AdamSettings): Promise<{ gradNorm: number }>
  /** Copies the policy's weights into the reference policy (the "hard refresh"). */
  refreshReference(): Promise<void>
  /** Writes a Hugging Face directory; with `optimizer`, also the optimizer state and the reference, enough to resume. */
  save(directory: string, options?: { optimizer?: boolean; dtype?: 'F32' | 'BF16' }): Promise<void>
  /** Restores what `save(…, {optimizer: true})` wrote. */
  load(directory: string): Promise<void>
  /** The current policy, to sample from. Later training steps do not change a sampler's past results. */
  sampler(): Promise<Sampler>
  close(): Promise<void>
}

export interface SampleOptions {
  /** Number of sequences for this prompt (they share one prefill). */
  readonly n: number
  readonly maxTokens: number
  /** 0 is greedy. */
  readonly temperature: number
  /** 1 keeps all. */
  readonly topP?: number
  /** 0 keeps all. */
  readonly topK?: number
  /** Token ids that end a sequence; the stop token is kept as the last token of the sequence. */
  readonly stopTokens?: readonly number[]
  /** Strings that end a sequence once its decoded text contains one. */
  readonly stop?: readonly string[]
  /** Sequence i uses the random stream (seed, i): results do not depend on what else is in the batch. */
  readonly seed: number
  /** Called for every new token of sequence `index`, for streaming. */
  readonly onToken?: (index: number, token: number) => void
}

export interface SampledSequence {
  /** Sampled tokens, without the prompt, with the stop token if there was one. */
  readonly tokens: Int32Array
  /** log-prob of each token under the model at temperature 1, untruncated (nats). */
  readonly logprobs: Float32Array
  /** log-prob of each token under the distribution it was drawn from (temperature, top-k, top-p); same array when they agree. */
  readonly samplingLogprobs: Float32Array
  readonly stopReason: 'stop' | 'length'
}

export interface Sampler {
  /** Requests made in the same tick are batched together. */
  sample(prompt: Int32Array, options: SampleOptions): Promise<SampledSequence[]>
  /** log π(tokens[t] | tokens[0..t)), NaN at t = 0. */
  logprobs(tokens: Int32Array): Promise<Float32Array>
}

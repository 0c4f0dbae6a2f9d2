import { z } from 'zod'

/*
 * The protocol's messages of JSON, all under /api/v1. A request is POST /<name> and a response the body of status 200.
 * "→ future" means that the response is a `submitted`, whose result is what /retrieve_future then answers. Fields are named
 * as on the wire. Unknown fields are dropped.
 */

/** The path that all others are relative to. */
export const API = '/api/v1'
/** The media type of the binary messages (codec.ts). */
export const PROTOBUF = 'application/x-protobuf'

const id = z.string().min(1)
const count = z.int().min(0)
const tokenIds = z.array(z.int())
/** A field that may be missing or null. */
const optional = <T extends z.ZodType>(schema: T) => schema.nullish()

// ---- Tensors and data

export const dtypes = ['float32', 'int64', 'int32', 'bfloat16'] as const
export type DType = (typeof dtypes)[number]

/** A dense tensor; int64 values must be safe integers. */
export interface Tensor {
  readonly dtype: DType
  /** In row-major order. */
  readonly data: ArrayLike<number>
  readonly shape: readonly number[]
}

export const tensor = z
  .object({ data: z.array(z.number()), dtype: z.enum(dtypes), shape: optional(z.array(count)) })
  .transform(({ data, dtype, shape }): Tensor => ({ data, dtype, shape: shape ?? [data.length] }))
  .refine(({ data, shape }) => shape.reduce((size, n) => size * n, 1) === data.length, {
    error: 'shape does not match the number of values',
  })

const encodedText = z.object({ type: z.literal('encoded_text').default('encoded_text'), tokens: tokenIds })
/** A model's input: chunks of text, which follow one another. Other kinds of chunks are not supported. */
export const modelInput = z.object({ chunks: z.array(encodedText) })
export interface ModelInput {
  readonly chunks: readonly { readonly type: 'encoded_text'; readonly tokens: ArrayLike<number> }[]
}

/** One training sequence. Every loss needs `target_tokens`, as long as the input. */
export interface Datum {
  readonly model_input: ModelInput
  readonly loss_fn_inputs: Readonly<Record<string, Tensor>>
}
export const datum = z.object({ model_input: modelInput, loss_fn_inputs: z.record(z.string(), tensor) })

/** Those of the protocol's losses that a client may ask for; servers take some of them. */
export type LossName =
  | 'cross_entropy'
  | 'importance_sampling'
  | 'ppo'
  | 'cispo'
  | 'dro'
  | 'gspo'
  | 'dppo'
  | 'ppo_critic'

export const lossInput = z.object({
  data: z.array(datum),
  loss_fn: z.string(),
  loss_fn_config: optional(z.record(z.string(), z.number())),
})

/** A forward_backward in either encoding. As JSON, `forward_only` is /forward with `forward_input`. */
export interface ForwardBackwardRequest {
  readonly model_id: string
  readonly seq_id: number
  readonly data: readonly Datum[]
  readonly loss_fn: string
  readonly loss_fn_config: Readonly<Record<string, number>>
  readonly forward_only: boolean
}

export const forwardBackwardJson = z.object({
  model_id: id,
  seq_id: optional(count),
  forward_backward_input: lossInput,
})
export const forwardJson = z.object({ model_id: id, seq_id: optional(count), forward_input: lossInput })

export interface ForwardBackwardOutput {
  readonly loss_fn_output_type: string
  /** Per datum, named tensors such as `logprobs`. */
  readonly loss_fn_outputs: readonly Readonly<Record<string, Tensor>>[]
  /** Names may end in how values of several parts are combined: `:mean :sum :min :max :slack :unique`. */
  readonly metrics: Readonly<Record<string, number>>
}
export const forwardBackwardOutput = z.object({
  loss_fn_output_type: optional(z.string()).transform((type) => type ?? ''),
  loss_fn_outputs: z.array(z.record(z.string(), tensor)),
  metrics: optional(z.record(z.string(), z.number())).transform((metrics) => metrics ?? {}),
})

// ---- Service

/** GET /healthz */
export const health = z.object({ status: z.string() })
/** GET /get_server_capabilities */
export const serverCapabilities = z.object({
  supported_models: z.array(z.object({ model_name: optional(z.string()) })),
})
/** /client/config */
export const clientConfigRequest = z.object({ sdk_version: optional(z.string()) })
export const clientConfig = z.object({ pjwt_auth_enabled: optional(z.boolean()) })

/** /create_session */
export const createSessionRequest = z.object({
  tags: optional(z.array(z.string())),
  user_metadata: optional(z.record(z.string(), z.unknown())),
  sdk_version: optional(z.string()),
  type: optional(z.string()),
})
export const session = z.object({
  session_id: id,
  info_message: optional(z.string()),
  warning_message: optional(z.string()),
  error_message: optional(z.string()),
})
/** /session_heartbeat → {} */
export const heartbeatRequest = z.object({ session_id: id })

/** /retrieve_future → the result, `tryAgain`, or `failure` */
export const retrieveFutureRequest = z.object({
  request_id: id,
  /** The client asks where the result is rather than for the result, if it is large; servers may ignore it. */
  allow_metadata_only: optional(z.boolean()),
})
export const submitted = z.object({
  request_id: z.union([id, z.int().transform(String)]),
  model_id: optional(z.string()),
})
/** The result is not there yet. */
export const tryAgain = z.object({
  type: z.literal('try_again'),
  queue_state: optional(z.string()),
  queue_state_reason: optional(z.string()),
})
/** The work failed: through the request (`user`), or the server. */
export const failure = z.object({ error: z.string(), category: z.string().default('unknown') })
/** The body of an HTTP error of SkyRL: a text, or what is wrong with each field. */
export const httpError = z.object({
  detail: z.union([
    z.string(),
    z.array(z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string() })),
  ]),
})

// ---- Training

export const loraConfig = z.object({
  /** 0: all weights. */
  rank: count,
  alpha: optional(z.number()),
  seed: optional(z.int()),
  train_unembed: optional(z.boolean()),
  train_mlp: optional(z.boolean()),
  train_attn: optional(z.boolean()),
})
/** /create_model → future of `createdModel` */
export const createModelRequest = z.object({
  session_id: id,
  model_seq_id: optional(count),
  base_model: id,
  lora_config: optional(loraConfig),
  user_metadata: optional(z.record(z.string(), z.unknown())),
})
export const createdModel = z.object({
  model_id: id,
  base_model: optional(z.string()),
  lora_config: optional(loraConfig),
})

export const adamParams = z.object({
  learning_rate: z.number().default(1e-4),
  beta1: z.number().default(0.9),
  beta2: z.number().default(0.95),
  eps: z.number().default(1e-12),
  weight_decay: z.number().default(0),
  /** 0: no clipping. */
  grad_clip_norm: z.number().default(0),
})
export type AdamParams = z.output<typeof adamParams>
/** /optim_step → future of `optimStepResult` */
export const optimStepRequest = z.object({ model_id: id, seq_id: optional(count), adam_params: adamParams })
export const optimStepResult = z.object({
  metrics: optional(z.record(z.string(), z.number())).transform((metrics) => metrics ?? {}),
})

/** /save_weights → future of `savedWeights` */
export const saveWeightsRequest = z.object({
  model_id: id,
  seq_id: optional(count),
  /** The checkpoint's name. */
  path: optional(z.string()),
  overwrite: optional(z.boolean()),
})
export const savedWeights = z.object({ path: z.string() })
/** /load_weights → future of {}; some servers take it only as a model's first request. */
export const loadWeightsRequest = z.object({
  model_id: id,
  seq_id: optional(count),
  /** A `tinker://` URI. */
  path: z.string(),
  optimizer: optional(z.boolean()),
})
/** /save_weights_for_sampler → future of `savedForSampler`: with `path` a named one, else a sampling session. */
export const saveForSamplerRequest = z.object({
  model_id: id,
  seq_id: optional(count),
  path: optional(z.string()),
  sampling_session_seq_id: optional(count),
})
export const savedForSampler = z.object({
  path: optional(z.string()),
  sampling_session_id: optional(z.string()),
})
/** /unload_model → future of {} */
export const unloadModelRequest = z.object({ model_id: id })
/** /get_info */
export const getInfoRequest = z.object({ model_id: id })
export const modelInfo = z.object({
  model_id: id,
  status: optional(z.string()),
  model_data: z.object({
    base_model: optional(z.string()),
    model_name: optional(z.string()),
    lora_config: optional(loraConfig),
    tokenizer_id: optional(z.string()),
  }),
})

// ---- Sampling

/** /create_sampling_session: of a base model or of saved weights */
export const createSamplingSessionRequest = z.object({
  session_id: id,
  sampling_session_seq_id: optional(count),
  base_model: optional(z.string()),
  model_path: optional(z.string()),
})
export const samplingSession = z.object({ sampling_session_id: id })

export const samplingParams = z.object({
  max_tokens: optional(count),
  seed: optional(z.int()),
  /** Strings or token ids that end a sequence. */
  stop: optional(z.union([z.string(), z.array(z.string()), z.array(z.int())])),
  temperature: z.number().default(1),
  /** −1: no limit. */
  top_k: z.int().default(-1),
  top_p: z.number().default(1),
})
export type SamplingParams = z.output<typeof samplingParams>
/** /asample → future of `sampleResponse` */
export const sampleRequest = z.object({
  prompt: modelInput,
  num_samples: z.int().min(1).default(1),
  sampling_params: samplingParams,
  base_model: optional(z.string()),
  model_path: optional(z.string()),
  sampling_session_id: optional(z.string()),
  seq_id: optional(count),
  prompt_logprobs: optional(z.boolean()),
  topk_prompt_logprobs: optional(count),
})
/** The response to /asample; the Python SDK from 0.38 on asserts that it has `sample_sequence_ids`. */
export const sampleSubmitted = submitted.extend({ sample_sequence_ids: optional(z.array(z.string())) })

export interface SampledSequence {
  readonly tokens: ArrayLike<number>
  /** Of the tokens, in nats; null if unknown. */
  readonly logprobs: ArrayLike<number> | null
  readonly stop_reason: 'stop' | 'length'
  /** For each token, the likeliest ones with their log-probs, likeliest first, if they were asked for (SDK 0.38). */
  readonly topk_logprobs?: readonly (readonly (readonly [number, number])[] | null)[] | null | undefined
}
export interface SampleResponse {
  readonly sequences: readonly SampledSequence[]
  /** Of each token of the prompt, null where unknown; some servers leave out the first, which is always unknown. */
  readonly prompt_logprobs: readonly (number | null)[] | null
  /** Per position of the prompt, the likeliest tokens with their log-probs, likeliest first; null where unknown. */
  readonly topk_prompt_logprobs: readonly (readonly (readonly [number, number])[] | null)[] | null
  readonly prompt_cache_hit_tokens: number | null
}
const likeliest = optional(z.array(z.array(z.tuple([z.int(), z.number()])).nullable()))
export const sampleResponse: z.ZodType<SampleResponse> = z.object({
  sequences: z.array(
    z.object({
      tokens: tokenIds,
      logprobs: optional(z.array(z.number())).transform((logprobs) => logprobs ?? null),
      stop_reason: z.enum(['stop', 'length']),
      topk_logprobs: likeliest,
    }),
  ),
  prompt_logprobs: optional(z.array(z.number().nullable())).transform((logprobs) => logprobs ?? null),
  topk_prompt_logprobs: likeliest.transform((topk) => topk ?? null),
  prompt_cache_hit_tokens: optional(count).transform((tokens) => tokens ?? null),
})

// ---- Runs and checkpoints

/** /weights_info */
export const weightsInfoRequest = z.object({ tinker_path: z.string() })
export const weightsInfo = z.object({
  base_model: z.string(),
  is_lora: z.boolean(),
  lora_rank: optional(count),
})

export const checkpoint = z.object({
  checkpoint_id: z.string(),
  checkpoint_type: z.string(),
  time: z.string(),
  tinker_path: z.string(),
  size_bytes: optional(z.number()),
  public: optional(z.boolean()),
})
export type Checkpoint = z.output<typeof checkpoint>
/** GET /training_runs/<id>/checkpoints */
export const checkpoints = z.object({ checkpoints: z.array(checkpoint) })

export const trainingRun = z.object({
  training_run_id: z.string(),
  base_model: z.string(),
  model_owner: optional(z.string()),
  is_lora: optional(z.boolean()),
  corrupted: optional(z.boolean()),
  lora_rank: optional(count),
  last_request_time: optional(z.string()),
  last_checkpoint: optional(checkpoint),
  last_sampler_checkpoint: optional(checkpoint),
  user_metadata: optional(z.record(z.string(), z.unknown())),
})
export type TrainingRun = z.output<typeof trainingRun>
/** GET /training_runs?limit=&offset= */
export const trainingRuns = z.object({
  training_runs: z.array(trainingRun),
  cursor: optional(z.object({ offset: count, limit: count, total_count: count })),
})

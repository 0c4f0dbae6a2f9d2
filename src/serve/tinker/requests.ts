import { z } from 'zod'
import * as protocol from '../../tinker/protocol/index.ts'

/* Requests with the fields that only servers read, or that only the newest clients send. */

const id = z.string().min(1)
const count = z.int().min(0)
const metadata = z.record(z.string(), z.string()).nullish()

/** The only optimizer; a client may choose another one. */
const optimizer = z
  .looseObject({ type: z.string() })
  .nullish()
  .refine((config) => !config || config.type === 'adamw', { error: 'there is only adamw here' })

export const createModelRequest = protocol.createModelRequest.extend({ optimizer_config: optimizer })

export const saveWeightsRequest = protocol.saveWeightsRequest.extend({ user_metadata: metadata })
export const saveForSamplerRequest = protocol.saveForSamplerRequest.extend({
  user_metadata: metadata,
  kind: z.enum(['snapshot', 'inflight']).nullish(),
})
export const saveExternalRequest = z.object({
  model_id: id,
  seq_id: count.nullish(),
  path: z.string(),
  age_encryption_recipients: z.array(z.string()).nullish(),
})

/** Weights are loaded into a model or, given a session, into a new one. */
export const loadWeightsRequest = protocol.loadWeightsRequest.extend({
  model_id: id.nullish(),
  session_id: id.nullish(),
  model_seq_id: count.nullish(),
  base_model: z.string().nullish(),
  user_metadata: z.record(z.string(), z.unknown()).nullish(),
  optimizer_config: optimizer,
})

export const sampleRequest = protocol.sampleRequest.extend({
  topk_sample_logprobs: count.nullish(),
  prompt_logprobs_last_n: count.nullish(),
  target_prompt_logprobs: z.unknown().optional(),
  prompt_alt_tokens_k: count.nullish(),
  record_stability_info: z.boolean().nullish(),
})

/** A batch of datums in either encoding; without a number, it is no repetition of another one. */
export type Batch = Omit<protocol.ForwardBackwardRequest, 'seq_id'> & { readonly seq_id: number | null }

export const cancelRequest = z.object({ request_id: id })
export const anything = z.looseObject({})

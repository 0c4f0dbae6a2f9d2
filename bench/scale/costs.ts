/*
 * What a step of reinforcement learning costs, as formulas. Times are in seconds, sizes in bytes, rates per second. Every number
 * has its source in docs/scale.md.
 */

/** A model, as far as its costs go. */
export interface ModelCost {
  readonly name: string
  /** Parameters, and those that a token uses. */
  readonly total: number
  readonly active: number
  /** Of a mixture of experts: the parameters of routed experts, and the share of them that a token uses. */
  readonly experts: { readonly parameters: number; readonly share: number } | null
  /** Of one token's keys and values. */
  readonly kvBytes: number
  /** Attention's operations for one token and one position before it: 2·layers·heads·(dimension of q·k + dimension of v). */
  readonly attention: number
  /** Bytes of a parameter where it is sampled, and where weights are sent. */
  readonly samplerBytes: number
  readonly sentBytes: number
  /** Bytes of a parameter where it is trained: weight, gradient, and the optimizer's state. */
  readonly trainerBytes: number
  /** Parameters that are trained, if these are adapters. */
  readonly adapters: number | null
}

/** One kind of processor. */
export interface Device {
  readonly name: string
  /** Dense operations a second, memory a second, memory, and network a second. */
  readonly flops: number
  readonly bandwidth: number
  readonly memory: number
  readonly network: number
  /** What is reached of `flops` in training, and of `flops` and `bandwidth` in sampling. */
  readonly training: number
  readonly sampling: number
  /** Seconds of a decoding step that no batch is too small for: launches, and communication within a group. */
  readonly latency: number
  /** Dollars an hour. */
  readonly price: number
}

/** Devices that sample together, as one instance. */
export interface Sampler {
  readonly model: ModelCost
  readonly device: Device
  readonly devices: number
  /** Tokens that a decoding step yields: more than 1 with speculative decoding. */
  readonly tokensPerStep: number
}

/**
 * One token for each of b sequences with c positions in all:
 *
 *   τ = ( max( (w(b) + c·kv) / (g·B·η),  (2·N_active·b + a·c) / (g·F·η) ) + ℓ ) / tokens per step
 *
 * where w(b) is what is read of the weights: all of a dense model, and of E experts with share s those that b tokens reach,
 * 1 − (1 − s)^b.
 */
export function decodeSeconds(
  { model, device, devices: g, tokensPerStep }: Sampler,
  b: number,
  c: number,
): number {
  const { total, active, experts, kvBytes, attention, samplerBytes } = model
  const reached = experts ? experts.parameters * (1 - (1 - experts.share) ** b) : 0
  const weights = samplerBytes * (experts ? total - experts.parameters + reached : total)
  const memory = (weights + c * kvBytes) / (g * device.bandwidth * device.sampling)
  const compute = (2 * active * b + attention * c) / (g * device.flops * device.sampling)
  return (Math.max(memory, compute) + device.latency) / tokensPerStep
}

/** Positions whose keys and values fit beside the weights: (0.9·g·M − N·bytes) / kv. */
export const kvRoom = ({ model, device, devices }: Sampler): number =>
  Math.floor((0.9 * devices * device.memory - model.total * model.samplerBytes) / model.kvBytes)

/** What is computed for a trained token, in forward passes. */
export interface Passes {
  /** 3 for forward and backward; 4 if the forward pass is computed again. */
  readonly training: number
  /** Of the policy before the update, and of the reference policy, for the KL term. */
  readonly scoring: number
}

/**
 * Training on sequences of the lengths T:
 *
 *   Σ (2·N_active·T + a·T²/2) · passes / (G·F·η)
 */
export function trainSeconds(
  { active, attention }: ModelCost,
  device: Device,
  devices: number,
  lengths: readonly number[],
  { training, scoring }: Passes,
): number {
  let forward = 0
  for (const T of lengths) forward += 2 * active * T + (attention * T * T) / 2
  return (forward * (training + scoring)) / (devices * device.flops * device.training)
}

/** What an update sends to each sampler: all weights, or the adapters. */
export const sentBytes = ({ total, adapters, sentBytes }: ModelCost): number =>
  (adapters ?? total) * sentBytes

/**
 * Sending new weights from G_t devices to samplers of g devices each, all at once: the slower of what leaves the trainers, each
 * part once, and what arrives at a sampler, whose devices take a part each:
 *
 *   max( W / (G_t·n), W / (g·n) )
 */
export function transferSeconds(model: ModelCost, device: Device, trainers: number, sampler: number): number {
  const bytes = sentBytes(model)
  return Math.max(bytes / (trainers * device.network), bytes / (sampler * device.network))
}

/** The fewest devices whose memory holds what training needs, with a fifth left for activations. */
export function fewestTrainers(
  { total, trainerBytes, adapters, samplerBytes }: ModelCost,
  { memory }: Device,
): number {
  const bytes = adapters === null ? total * trainerBytes : total * samplerBytes + adapters * trainerBytes
  return Math.ceil(bytes / (0.8 * memory))
}

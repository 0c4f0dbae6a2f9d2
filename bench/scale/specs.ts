import { loadConfig } from '../../src/models/checkpoint/directory.ts'
import { countParameters } from '../../src/models/parameters.ts'
import type { Device, ModelCost } from './costs.ts'

/* The models and machines of docs/scale.md, where the source of each number is. */

/** DeepSeek-V3, the base of R1-Zero: 61 layers, 58 of them with 256 routed experts of 3·7,168·2,048 parameters. */
export const deepseekV3: ModelCost = {
  name: 'DeepSeek-V3',
  total: 671e9,
  active: 37e9,
  experts: { parameters: 58 * 256 * 3 * 7168 * 2048, share: 8 / 256 },
  // the compressed keys and values, 512 + 64 numbers a layer in BF16
  kvBytes: 61 * (512 + 64) * 2,
  attention: 2 * 61 * 128 * (192 + 128),
  samplerBytes: 1,
  sentBytes: 2,
  // BF16 weights, FP32 gradients and master weights, BF16 moments
  trainerBytes: 2 + 4 + 4 + 4,
  adapters: null,
}

const qwen3 = {
  total: 4.02e9,
  active: 4.02e9,
  experts: null,
  kvBytes: 2 * 36 * 8 * 128 * 2,
  attention: 2 * 36 * 32 * (128 + 128),
  samplerBytes: 2,
  sentBytes: 2,
  trainerBytes: 16,
}
/** Qwen3-4B: 36 layers of width 2,560 and 9,728, 32 heads and 8 key-value heads of 128. */
export const qwen3Full: ModelCost = { ...qwen3, name: 'Qwen3-4B', adapters: null }
/** With adapters of rank 32 on all linear layers: 36·32·Σ (in + out). */
export const qwen3Lora: ModelCost = {
  ...qwen3,
  name: 'Qwen3-4B, LoRA 32',
  adapters: 36 * 32 * (2 * (2560 + 4096) + 2 * (2560 + 1024) + 3 * (2560 + 9728)),
}

/** The embedded base model, in float32. */
export function miniature(folder: string): ModelCost {
  const config = loadConfig(folder)
  const total = countParameters(config)
  return {
    name: 'miniature-base',
    total,
    active: total,
    experts: null,
    kvBytes: 2 * config.numLayers * config.numKvHeads * config.headDim * 4,
    attention: 4 * config.numLayers * config.numHeads * config.headDim,
    samplerBytes: 4,
    sentBytes: 4,
    trainerBytes: 16,
    adapters: null,
  }
}

export const h800: Device = {
  name: 'H800',
  flops: 989e12,
  bandwidth: 3.35e12,
  memory: 80e9,
  network: 50e9,
  training: 0.35,
  sampling: 0.5,
  latency: 0.02,
  price: 2,
}
/** A dense model on one device has no communication in a decoding step. */
export const h100: Device = { ...h800, name: 'H100', latency: 0.004, training: 0.4, price: 2.5 }
export const rtx4090: Device = {
  name: 'RTX 4090',
  flops: 165e12,
  bandwidth: 1.008e12,
  memory: 24e9,
  network: 1.25e9,
  training: 0.4,
  sampling: 0.5,
  latency: 0.006,
  price: 0.4,
}

import { type ModelConfig, type ModelType, parseConfig } from '../models/config.ts'

const GEMMA = {
  query_pre_attn_scalar: 4,
  sliding_window: 5,
  layer_types: ['sliding_attention', 'full_attention'],
}

/** A tiny config.json for tests; `changes` replaces fields, `undefined` removes them. */
export function tinyConfigJson(
  type: ModelType,
  changes: Record<string, unknown> = {},
): Record<string, unknown> {
  const json = {
    model_type: type,
    vocab_size: 50,
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 4,
    hidden_act: 'silu',
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    tie_word_embeddings: true,
    max_position_embeddings: 64,
    eos_token_id: 48,
    pad_token_id: 49,
    ...(type === 'gemma3_text' ? GEMMA : {}),
    ...changes,
  }
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined))
}

/** The configuration of `tinyConfigJson`, parsed. */
export function tinyConfig(type: ModelType, changes?: Record<string, unknown>): ModelConfig {
  return parseConfig(tinyConfigJson(type, changes), 'config.json')
}

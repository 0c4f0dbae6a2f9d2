import { join } from 'node:path'
import { writeJson } from '../../models/json-file.ts'
import type { Source } from '../source.ts'
import { NAMES } from './program.ts'

/** Writes genai_config.json, by which onnxruntime-genai finds the program's inputs and outputs. */
export function writeGenaiConfig({ config, renderer }: Source, folder: string, filename: string): void {
  const key = (of: typeof NAMES.past) => of('%d', 'key')
  const value = (of: typeof NAMES.past) => of('%d', 'value')
  const [eos] = renderer.stopTokens
  writeJson(join(folder, 'genai_config.json'), {
    model: {
      type: config.modelType,
      bos_token_id: config.bosTokenId ?? eos,
      eos_token_id: renderer.stopTokens,
      pad_token_id: config.padTokenId ?? eos,
      vocab_size: config.vocabSize,
      context_length: config.maxPositions,
      decoder: {
        session_options: { log_id: 'onnxruntime-genai', provider_options: [] },
        filename,
        head_size: config.headDim,
        hidden_size: config.hiddenSize,
        num_attention_heads: config.numHeads,
        num_hidden_layers: config.numLayers,
        num_key_value_heads: config.numKvHeads,
        inputs: {
          input_ids: NAMES.ids,
          attention_mask: NAMES.mask,
          position_ids: NAMES.positions,
          past_key_names: key(NAMES.past),
          past_value_names: value(NAMES.past),
        },
        outputs: {
          logits: NAMES.logits,
          present_key_names: key(NAMES.present),
          present_value_names: value(NAMES.present),
        },
      },
    },
    search: {
      do_sample: false,
      max_length: config.maxPositions,
      min_length: 0,
      num_beams: 1,
      num_return_sequences: 1,
      past_present_share_buffer: true,
      repetition_penalty: 1,
      temperature: 1,
      top_k: 1,
      top_p: 1,
    },
  })
}

import { Random } from '../random.ts'
import type { ModelConfig } from './config.ts'
export function parameterShapes(c: ModelConfig): Map<string, number[]> {
  const s = new Map<string, number[]>()
  const q = c.numHeads * c.headDim
  const kv = c.numKvHeads * c.headDim
  s.set('model.embed_tokens.weight', [c.vocabSize, c.hiddenSize])
  for (let i = 0; i < c.numLayers; i++) {
    const l = `model.layers.${i}`
    s.set(`${l}.input_layernorm.weight`, [c.hiddenSize])
    for (const [n, w] of [['q', q], ['k', kv], ['v', kv]] as const) {
      s.set(`${l}.self_attn.${n}_proj.weight`, [w, c.hiddenSize])
      if (c.qkvBias) s.set(`${l}.self_attn.${n}_proj.bias`, [w])
    }
    s.set(`${l}.self_attn.o_proj.weight`, [c.hiddenSize, q])
    if (c.qkNorm) for (const n of ['q', 'k']) s.set(`${l}.self_attn.${n}_norm.weight`, [c.headDim])
    s.set(`${l}.post_attention_layernorm.weight`, [c.hiddenSize])
    s.set(`${l}.mlp.gate_proj.weight`, [c.intermediateSize, c.hiddenSize])
    s.set(`${l}.mlp.up_proj.weight`, [c.intermediateSize, c.hiddenSize])
    s.set(`${l}.mlp.down_proj.weight`, [c.hiddenSize, c.intermediateSize])
  }
  s.set('model.norm.weight', [c.hiddenSize])
  if (!c.tieEmbeddings) s.set('lm_head.weight', [c.vocabSize, c.hiddenSize])
  return s
}
export function initParameters(c: ModelConfig, seed: number): Map<string, Float32Array> {
  return new Map([...parameterShapes(c)].map(([name, shape]) => {
    const n = shape.reduce((a, b) => a * b, 1)
    const r = new Random(seed, name)
    const d = new Float32Array(n)
    if (shape.length === 1) d.fill(name.endsWith('bias') ? 0 : 1)
    else for (let i = 0; i < n; i++) d[i] = 0.02 * r.normal()
    return [name, d]
  }))
}
export const forwardFlopsPerToken = (_c: ModelConfig, _n: number): number => 1

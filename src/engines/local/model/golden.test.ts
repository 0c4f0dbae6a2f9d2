import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { loadModel } from '../../../models/checkpoint/directory.ts'
import { SafetensorsFile } from '../../../models/checkpoint/safetensors.ts'
import { parameterShapes } from '../../../models/parameters.ts'
import { Session } from '../../../onnx/session.ts'
import type { Sequence } from './batches/sequences.ts'
import { parameterFeeds, rotaryFeeds } from './feeds.ts'
import { LocalModel } from './local-model.ts'
import { trainProgram } from './programs.ts'

const FIXTURES = fileURLToPath(new URL('../../../models/fixtures', import.meta.url))

/** Logits, loss and gradients that Transformers computed; see tools/golden/transformers_models.py. */
describe.each(readdirSync(FIXTURES).filter((name) => existsSync(join(FIXTURES, name, 'config.json'))))(
  '%s equals Transformers',
  (name) => {
    const directory = join(FIXTURES, name)
    const { config, parameters } = loadModel(directory)
    const golden = new SafetensorsFile(`${directory}/golden.safetensors`)
    const [batch, length] = golden.tensors.get('input_ids')!.shape as [number, number]
    const ids = Int32Array.from(golden.readInt64('input_ids'), Number)
    const rows = Array.from({ length: batch }, (_, b) => ids.slice(b * length, (b + 1) * length))
    const sequences: Sequence[] = rows.map((row) => ({
      tokens: row.slice(0, -1),
      targets: row.slice(1),
      weights: new Float32Array(length - 1).fill(1 / (batch * (length - 1))),
    }))

    test('log-probs of the next tokens, hence logits up to their constant, within 1e-4', () => {
      const model = new LocalModel({ model: { config, parameters }, threads: 1 })
      const logits = golden.read('logits')
      const V = config.vocabSize
      // every token of the vocabulary after some prefixes, each of which is computed once
      for (const [b, row] of rows.entries())
        for (const t of [0, 4, 9, 11]) {
          const prefix = row.slice(0, t + 1)
          const at = (b * length + t) * V
          const z = logits.slice(at, at + V)
          const top = Math.max(...z)
          const norm = top + Math.log(z.reduce((s, x) => s + Math.exp(x - top), 0))
          const all = Array.from({ length: V }, (_, v) => ({
            tokens: prefix,
            targets: Int32Array.from({ length: t + 1 }, () => v),
            weights: Float32Array.from({ length: t + 1 }, (_, i) => Number(i === t)),
          }))
          for (const [v, lp] of model.logprobs(all, 0).entries())
            expect(Math.abs(lp[t]! - (z[v]! - norm))).toBeLessThan(1e-4)
        }
    })

    test('the loss, and every gradient within 1e-3 relative', () => {
      const session = new Session(
        trainProgram(config, { kind: 'cross_entropy' }, parameters.keys(), {
          prefixed: false,
          packed: false,
          chunks: 1,
          recompute: false,
        }),
        {
          threads: 1,
        },
      )
      const M = batch * (length - 1)
      const rotary = rotaryFeeds(config, length)
      const grid = (f: (b: number, t: number) => number) => ({
        data: BigInt64Array.from({ length: M }, (_, i) =>
          BigInt(f(Math.floor(i / (length - 1)), i % (length - 1))),
        ),
        dims: [batch, length - 1],
      })
      const flat = (f: (b: number, t: number) => number) => ({ ...grid(f), dims: [M] })
      const real = (x: number) => ({ data: new Float32Array(M).fill(x), dims: [M] })
      const out = session.run({
        ...parameterFeeds(parameterShapes(config), parameters),
        ...rotary,
        ids: grid((b, t) => sequences[b]!.tokens[t]!),
        positions: grid((_, t) => t),
        'rows.0': flat((b, t) => b * (length - 1) + t),
        'targets.0': flat((b, t) => sequences[b]!.targets[t]!),
        sequence: flat((b) => b),
        weight: real(1 / M),
        old: real(0),
        reference: real(0),
        advantage: real(0),
      })
      expect(out.loss!.data[0]).toBeCloseTo(golden.read('loss')[0]!, 4)
      for (const parameter of parameters.keys()) {
        // torch.nn.Embedding gives the padding token's row no gradient as an input; a loss there still has one.
        const skipped = parameter === 'model.embed_tokens.weight' ? config.padTokenId : null
        const kept = (_: number, i: number) => Math.floor(i / config.hiddenSize) !== skipped
        const ours = (out[`grad.${parameter}`]!.data as Float32Array).filter(kept)
        const theirs = golden.read(`grad.${parameter}`).filter(kept)
        const norm = Math.hypot(...theirs)
        const error = Math.hypot(...theirs.map((x, i) => x - ours[i]!))
        // Some gradients are zero but for rounding: a key's bias shifts all scores of a query alike.
        expect(error / Math.max(norm, 1e-4), parameter).toBeLessThan(1e-3)
      }
    })
  },
)

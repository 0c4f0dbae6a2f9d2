import { spawnSync } from 'node:child_process'
import { linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeFolderAtomically } from '../src/common/files/files.ts'
import { withEngine } from '../src/engines/open.ts'
import { loadConfig, saveModel } from '../src/models/checkpoint/directory.ts'
import type { StoredTensor } from '../src/models/checkpoint/safetensors.ts'
import { writeShards } from '../src/models/checkpoint/shards.ts'
import { weightsHash } from '../src/models/checkpoint/weights-hash.ts'
import { type ModelConfig, parseConfig } from '../src/models/config.ts'
import { countParameters, parameterShapes } from '../src/models/parameters.ts'
import { Tokenizer } from '../src/models/tokenizer/tokenizer.ts'

/**
 * Saves, hashes, loads and resumes a model with random weights, by default of 1.2 billion parameters, and checks that the
 * resumed weights and optimizer state are the same bit for bit. Prints the time and the peak memory of each step, which is
 * a process of its own.
 *
 *   npx tsx tools/large-checkpoint.ts FOLDER [LAYERS]
 *
 * Needs 26 bytes of disk (in FOLDER) and 12 bytes of memory per parameter.
 */
const [folder, layers = '18', step] = process.argv.slice(2)
if (folder === undefined || !(Number(layers) >= 1)) {
  console.error('usage: npx tsx tools/large-checkpoint.ts FOLDER [LAYERS]')
  process.exit(2)
}

const TOKENIZER = fileURLToPath(new URL('../models/miniature-base', import.meta.url))
/** The width of Qwen3-1.7B. */
const config = parseConfig(
  {
    model_type: 'qwen3',
    vocab_size: 151_936,
    hidden_size: 2048,
    intermediate_size: 6144,
    num_hidden_layers: Number(layers),
    num_attention_heads: 16,
    num_key_value_heads: 8,
    head_dim: 128,
    max_position_embeddings: 4096,
    tie_word_embeddings: true,
  },
  'large-checkpoint',
)

const STEPS: Readonly<Record<string, (at: (name: string) => string) => Promise<unknown>>> = {
  async save(at) {
    saveModel(at('model'), { config, parameters: random(config), dtype: 'BF16', tokenizerFrom: TOKENIZER })
    return sizes(at('model'))
  },
  hash: (at) => weightsHash(at('model')),
  sample: (at) =>
    withEngine({ model: at('model') }, async (engine) => {
      const sampler = await engine.sampler(engine.base)
      const prompt = Tokenizer.load(at('model')).encode('What is 1 + 1?')
      const [sequence] = await sampler.sample(prompt, { n: 1, maxTokens: 4, temperature: 1, seed: 0 })
      return [...sequence!.tokens]
    }),
  checkpoint: (at) =>
    withEngine({ model: at('model') }, async (engine) => {
      const trainer = await engine.trainer()
      await writeFolderAtomically(at('checkpoint'), (to) => trainer.save(to, { optimizer: true }))
      return sizes(at('checkpoint'))
    }),
  // No step was made, so the moments are 0: random ones replace them.
  async moments(at) {
    writeMoments(at('checkpoint'), loadConfig(at('checkpoint')))
    return [sizes(at('checkpoint')), await weightsHash(at('checkpoint'))]
  },
  resume: (at) =>
    withEngine({ model: { config, parameters: zeros(config), tokenizerFrom: TOKENIZER } }, async (engine) => {
      const trainer = await engine.trainer()
      await trainer.load(at('checkpoint'))
      await trainer.save(at('again'), { optimizer: true, dtype: 'BF16' })
      return sizes(at('again'))
    }),
  async compare(at) {
    const pairs = [
      [at('model'), at('again'), 'model'],
      [at('checkpoint'), at('again'), 'optimizer'],
    ] as const
    for (const [before, after, stem] of pairs) {
      const [a, b] = await Promise.all([before, after].map((directory) => hashOf(directory, stem)))
      if (a !== b) throw new Error(`the resumed ${stem} differs: ${a} in ${before}, ${b} in ${after}`)
    }
    return 'equal'
  },
}

if (step === undefined) {
  mkdirSync(folder, { recursive: true })
  const work = mkdtempSync(join(folder, 'large-'))
  console.log(`${(countParameters(config) / 1e9).toFixed(2)} billion parameters, in ${work}`)
  try {
    for (const name of Object.keys(STEPS)) {
      const argv = [...process.execArgv, fileURLToPath(import.meta.url), work, layers, name]
      if (spawnSync(process.execPath, argv, { stdio: 'inherit' }).status !== 0) process.exitCode = 1
      if (process.exitCode) break
    }
  } finally {
    rmSync(work, { recursive: true })
  }
} else {
  const started = performance.now()
  const result = await STEPS[step]!((name) => join(folder, name))
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const peak = (process.resourceUsage().maxRSS / 2 ** 20).toFixed(1)
  console.log(
    `${step.padEnd(10)} ${seconds.padStart(6)} s ${peak.padStart(5)} GiB  ${JSON.stringify(result)}`,
  )
}

/** Pseudorandom multiples of 2⁻¹² in [−2⁻⁵, 2⁻⁵), which BF16 represents exactly. */
function random(config: ModelConfig): Map<string, Float32Array> {
  let state = 1
  return new Map(
    [...parameterShapes(config)].map(([name, shape]) => {
      const values = new Float32Array(shape.reduce((a, b) => a * b, 1))
      for (let i = 0; i < values.length; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) | 0
        values[i] = (state >> 24) / 4096
      }
      return [name, values]
    }),
  )
}

/** Weights that take no memory until they are written to, and that a thread shares instead of copying them. */
function zeros(config: ModelConfig): Map<string, Float32Array> {
  return new Map(
    [...parameterShapes(config)].map(([name, shape]) => [
      name,
      new Float32Array(new SharedArrayBuffer(4 * shape.reduce((a, b) => a * b, 1))),
    ]),
  )
}

/** Replaces the optimizer's state by random moments, all of which are parts of one vector. */
function writeMoments(directory: string, config: ModelConfig): void {
  const shapes = parameterShapes(config)
  const [longest] = random({ ...config, numLayers: 0 }).values()
  const tensors = new Map<string, StoredTensor>()
  for (const [name, shape] of shapes) {
    const data = longest!.subarray(
      0,
      shape.reduce((a, b) => a * b, 1),
    )
    tensors.set(`m.${name}`, { shape, data })
    tensors.set(`v.${name}`, { shape, data })
  }
  writeShards(directory, 'optimizer', tensors, { dtype: 'F32', metadata: { steps: '1' } })
}

/** The hash of the files of `stem` alone. */
async function hashOf(directory: string, stem: string): Promise<string> {
  const alone = mkdtempSync(join(folder!, 'hash-'))
  for (const name of readdirSync(directory))
    if (name.startsWith(stem) && name.endsWith('.safetensors'))
      linkSync(join(directory, name), join(alone, name))
  return weightsHash(alone)
}

/** The sizes of a folder's weight files, in bytes. */
function sizes(directory: string): Record<string, number> {
  const names = readdirSync(directory).filter((name) => name.endsWith('.safetensors'))
  return Object.fromEntries(names.map((name) => [name, statSync(join(directory, name)).size]))
}

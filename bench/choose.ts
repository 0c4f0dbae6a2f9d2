import { Random } from '../src/common/random.ts'
import type { Sampler, Truncation } from '../src/engines/contract.ts'
import { openSampler } from '../src/engines/open.ts'
import { parseConfig } from '../src/models/config.ts'
import { initParameters } from '../src/models/parameters.ts'

/** So small that its own work is little beside the choice of a token, with a vocabulary as large as Qwen's. */
const config = parseConfig(
  {
    model_type: 'qwen3',
    vocab_size: 151_936,
    hidden_size: 16,
    intermediate_size: 16,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    head_dim: 16,
    max_position_embeddings: 64,
    eos_token_id: 0,
    pad_token_id: 0,
  },
  'the model',
)
const [SEQUENCES, NEW] = [16, 16]

const modes: Readonly<Record<string, Truncation>> = {
  'top-k 50': { topK: 50 },
  'top-p 0.95': { topP: 0.95 },
  'min-p 0.05': { minP: 0.05 },
  'top-k 50, top-p 0.95, min-p 0.05': { topK: 50, topP: 0.95, minP: 0.05 },
  'top-k 100,000, top-p 0.999': { topK: 100_000, topP: 0.999 },
}

/** Standard deviation of the logits: the larger, the fewer tokens have most of the probability. */
const deviations = { flat: 0, broad: 2, peaked: 6 }

/** What choosing a token costs with truncation: CPU time beyond that of sampling at temperature 1 without it. */
export async function choosing(repetitions = 4): Promise<void> {
  console.log(
    `\nchoosing a token, vocabulary ${config.vocabSize}: milliseconds of CPU time a token and sequence, the least of ${repetitions}`,
  )
  const columns: Record<string, string>[] = []
  for (const [name, deviation] of Object.entries(deviations)) {
    const sampler = await openSampler({ model: { config, parameters: parameters(deviation) }, threads: 1 })
    try {
      const plain = await time(sampler, { temperature: 1 }, repetitions)
      const column: Record<string, string> = { '': name, 'the model, temperature 1': plain.toFixed(2) }
      const warm = await time(sampler, { temperature: 0.6 }, repetitions)
      column['  more at temperature 0.6'] = (warm - plain).toFixed(2)
      for (const [mode, truncation] of Object.entries(modes)) {
        const all = await time(sampler, { temperature: 0.6, ...truncation }, repetitions)
        column[`  more at 0.6, ${mode}`] = (all - plain).toFixed(2)
      }
      columns.push(column)
    } finally {
      await sampler.close()
    }
  }
  for (const row of Object.keys(columns[0]!))
    console.log(`  ${row.padEnd(52)}${columns.map((column) => column[row]!.padStart(8)).join('')}`)
}

async function time(
  sampler: Sampler,
  options: Truncation & { readonly temperature: number },
  repetitions: number,
): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let seed = 0; seed < repetitions; seed++) {
    const before = process.cpuUsage()
    await sampler.sample(Int32Array.of(1, 2, 3), { n: SEQUENCES, maxTokens: NEW, seed, ...options })
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1000 / (SEQUENCES * NEW))
  }
  return least
}

/** Random weights; hidden states have a norm of √16, so the logits have the standard deviation. */
function parameters(deviation: number): Map<string, Float32Array> {
  const random = new Random('bench', 'choose')
  const all = initParameters(config, 0)
  const head = all.get('lm_head.weight')!
  for (let i = 0; i < head.length; i++) head[i] = (deviation / Math.sqrt(config.hiddenSize)) * random.normal()
  return all
}

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Objective } from '../algorithms/objectives.ts'
import { Random } from '../common/random.ts'
import type {
  AdamSettings,
  Datum,
  ForwardBackwardResult,
  ForwardResult,
  SampledSequence,
  SampleOptions,
  Sampler,
  Trainer,
} from '../engines/contract.ts'
import type { TextCodec } from '../stages/sample/rollouts.ts'
import type { Question, Task } from '../tasks/task.ts'

/*
 * For tests: a model small enough to follow by hand that yet learns. The policy is a bigram table of logits, trained
 * by plain gradient descent on Σ weight · −advantage · log π (policy gradient) or Σ weight · −log π (cross entropy).
 */

const WORDS = [' ', '<think>', '</think>', '<answer>', '</answer>', 'a', 'b', 'wait ', '\n', '<eos>']
const EOS = WORDS.length - 1
const V = WORDS.length

/** Knows ten words; all other text is one unknown token for every character. */
export const fakeCodec: TextCodec = {
  eosId: EOS,
  encode(text) {
    const ids: number[] = []
    for (let i = 0; i < text.length; ) {
      const id = WORDS.findIndex((word) => text.startsWith(word, i))
      ids.push(Math.max(id, 0))
      i += id < 0 ? 1 : WORDS[id]!.length
    }
    return Int32Array.from(ids)
  },
  decode: (ids) =>
    Array.from(ids)
      .map((id) => WORDS[id])
      .join(''),
  applyChatTemplate: (messages) => messages.map(({ role, content }) => `${role}: ${content}\n`).join(''),
}

/** "Which letter?": the answer is "a". */
export const fakeTask: Task = {
  name: 'letter',
  description: 'say a',
  language: 'en',
  training: ({ seed, step, count }) =>
    Array.from({ length: count }, (_, i) => question(`t${seed}.${step}.${i}`)),
  heldOut: ({ count }) => Array.from({ length: count }, (_, i) => question(`h${i}`)),
  check: (_, answer) => ({ correct: answer?.trim() === 'a', reason: 'must be a' }),
}

const question = (id: string): Question => ({
  id,
  prompt: 'Which letter?',
  gold: 'a',
  kind: `letter/${id.length % 2}`,
})

export class FakeTrainer implements Trainer {
  #logits: Float64Array
  #reference: Float64Array
  #gradient = new Float64Array(V * V)
  constructor() {
    this.#logits = new Float64Array(V * V)
    const chain = [0, 1, 7, 2, 3, 5, 4, EOS]
    for (let i = 1; i < chain.length; i++) this.#logits[chain[i - 1]! * V + chain[i]!] = 3
    this.#logits[3 * V + 6] = 4
    this.#logits[6 * V + 4] = 3
    this.#reference = this.#logits.slice()
  }
  async forward(datums: readonly Datum[], { weights = 'policy' } = {}): Promise<ForwardResult> {
    const logits = weights === 'policy' ? this.#logits : this.#reference
    const logprobs = datums.map((d) =>
      d.tokens.reduce((out, token, t) => {
        out[t] = d.weights[t] === 0 ? Number.NaN : logProbs(logits, token)[d.targets[t]!]!
        return out
      }, new Float32Array(d.tokens.length)),
    )
    return { logprobs }
  }
  async forwardBackward(datums: readonly Datum[], objective: Objective): Promise<ForwardBackwardResult> {
    const result = await this.forward(datums)
    let loss = 0
    for (const [i, d] of datums.entries())
      for (let t = 0; t < d.tokens.length; t++) {
        if (d.weights[t] === 0) continue
        const factor = d.weights[t]! * (objective.kind === 'cross_entropy' ? 1 : d.advantages![t]!)
        loss -= factor * result.logprobs[i]![t]!
        const row = logProbs(this.#logits, d.tokens[t]!)
        for (let v = 0; v < V; v++)
          this.#gradient[d.tokens[t]! * V + v]! -= factor * ((v === d.targets[t] ? 1 : 0) - Math.exp(row[v]!))
      }
    const entropies = datums.map((d) =>
      Float32Array.from(d.tokens, (token, t) =>
        d.weights[t] === 0
          ? Number.NaN
          : -logProbs(this.#logits, token).reduce((sum, l) => sum + Math.exp(l) * l, 0),
      ),
    )
    const clipped = datums.map((d) => new Float32Array(d.tokens.length))
    return { ...result, entropies, loss, clipped, flops: 1000 }
  }
  async optimStep({ learningRate }: AdamSettings): Promise<{ gradNorm: number }> {
    const gradNorm = Math.hypot(...this.#gradient)
    for (let i = 0; i < V * V; i++) this.#logits[i]! -= learningRate * this.#gradient[i]!
    this.#gradient.fill(0)
    return { gradNorm }
  }
  async refreshReference(): Promise<void> {
    this.#reference = this.#logits.slice()
  }
  async save(directory: string): Promise<void> {
    mkdirSync(directory, { recursive: true })
    writeFileSync(
      join(directory, 'model.safetensors'),
      JSON.stringify([[...this.#logits], [...this.#reference]]),
    )
  }
  async load(directory: string): Promise<void> {
    const [logits, reference] = JSON.parse(readFileSync(join(directory, 'model.safetensors'), 'utf8'))
    this.#logits = Float64Array.from(logits)
    this.#reference = Float64Array.from(reference)
  }
  async sampler(): Promise<Sampler> {
    const logits = this.#logits.slice()
    return {
      sample: async (prompt, options) =>
        Array.from({ length: options.n }, (_, index) => sampleOne(logits, prompt, options, index)),
      logprobs: async (tokens) =>
        Float32Array.from(tokens, (token, t) =>
          t === 0 ? Number.NaN : logProbs(logits, tokens[t - 1]!)[token]!,
        ),
    }
  }
  async close(): Promise<void> {}
}

function sampleOne(
  logits: Float64Array,
  prompt: Int32Array,
  options: SampleOptions,
  index: number,
): SampledSequence {
  const random = new Random(options.seed, index)
  const tokens: number[] = []
  const logprobs: number[] = []
  let previous = 0
  void prompt
  while (tokens.length < options.maxTokens) {
    const row = logProbs(logits, previous)
    const token = random.weighted([...row.keys()], row.map(Math.exp))
    tokens.push(token)
    logprobs.push(row[token]!)
    options.onToken?.(index, token)
    previous = token
    if (options.stopTokens?.includes(token)) break
  }
  const ended = options.stopTokens?.includes(previous)
  const values = Float32Array.from(logprobs)
  return {
    tokens: Int32Array.from(tokens),
    logprobs: values,
    samplingLogprobs: values,
    stopReason: ended ? 'stop' : 'length',
  }
}

function logProbs(logits: Float64Array, token: number): number[] {
  const row = [...logits.subarray(token * V, token * V + V)]
  const max = Math.max(...row)
  const sum = row.reduce((total, x) => total + Math.exp(x - max), 0)
  return row.map((x) => x - max - Math.log(sum))
}

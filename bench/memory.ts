import { groupAdvantages } from '../src/algorithms/advantages.ts'
import { tokenWeights } from '../src/algorithms/weights.ts'
import { Random } from '../src/common/random.ts'
import type { Datum } from '../src/engines/contract.ts'
import { LocalEngine } from '../src/engines/local/engine.ts'
import type { ModelConfig } from '../src/models/config.ts'
import { countParameters, initParameters } from '../src/models/parameters.ts'
import { rlPreset } from '../src/settings/presets.ts'
import { THREADS, timed } from './compare.ts'

/** Qwen2.5-0.5B. */
const config: ModelConfig = {
  modelType: 'qwen2',
  vocabSize: 151_936,
  hiddenSize: 896,
  intermediateSize: 4864,
  numLayers: 24,
  numHeads: 14,
  numKvHeads: 2,
  headDim: 64,
  rmsNormEps: 1e-6,
  ropeTheta: 1_000_000,
  ropeScaling: null,
  tieEmbeddings: true,
  maxPositions: 32_768,
  qkvBias: true,
  qkNorm: false,
  bosTokenId: null,
  eosTokenIds: [151_643],
  padTokenId: 151_643,
  head: 'tokens',
}
const [QUESTIONS, GROUP, PROMPT, NEW] = [4, 4, 64, 128]

/** Peak memory of one GRPO step of half a billion parameters, in this process, with a reference policy of its own. */
export async function memory(): Promise<void> {
  console.log('\nmemory')
  console.log(
    `  Qwen2.5-0.5B's configuration, random weights, ${(countParameters(config) / 1e6).toFixed(0)} M float32 parameters`,
  )
  console.log(
    `  one GRPO step: ${QUESTIONS} questions × ${GROUP} responses, ${PROMPT} prompt + ${NEW} new tokens each, reference policy, AdamW, ${THREADS} threads`,
  )
  const random = new Random('bench', 'memory')
  const rl = rlPreset('miniature', 'grpo')
  const engine = new LocalEngine({
    config,
    parameters: initParameters(config, 0),
    tokenizer: null,
    source: null,
    threads: THREADS,
  })
  engine.refreshReference()
  show('model opened')

  const prompts = Array.from({ length: QUESTIONS }, () =>
    Int32Array.from({ length: PROMPT }, () => random.int(0, config.vocabSize - 1)),
  )
  const sampled = await timed(async () =>
    engine.sample(
      prompts.map((prompt, seed) => ({
        prompt,
        options: { n: GROUP, maxTokens: NEW, temperature: 1, seed },
      })),
    ),
  )
  show(`sampled in ${sampled.seconds.toFixed(1)} s`)

  const rewards_P_G = sampled.value.map((sequences_G) => sequences_G.map(({ tokens }) => tokens[0]! % 2))
  const advantages = groupAdvantages(rewards_P_G, rl.advantage).flat()
  const weights = tokenWeights(
    rl.normalisation,
    advantages.map(() => NEW),
    NEW,
  )
  const datums = sampled.value.flatMap((sequences_G, p) =>
    sequences_G.map(({ tokens, logprobs }, g): Datum => {
      const all = Int32Array.from([...prompts[p]!, ...tokens])
      const positions = (value: number) => new Float32Array(all.length - 1).fill(value, PROMPT - 1)
      const i = p * GROUP + g
      const old = positions(0)
      old.set(logprobs, PROMPT - 1)
      return {
        tokens: all.subarray(0, -1),
        targets: all.subarray(1),
        weights: positions(weights[i]!),
        advantages: positions(advantages[i]!),
        logprobs: old,
      }
    }),
  )
  const scored = await timed(async () => engine.forward(datums, 'reference').logprobs)
  show(`reference log-probabilities in ${scored.seconds.toFixed(1)} s`)

  const trained = await timed(async () => {
    engine.forwardBackward(
      datums.map((datum, i) => ({ ...datum, reference: scored.value[i]! })),
      rl.objective,
    )
    return engine.optimStep({
      learningRate: 1e-6,
      beta1: 0.9,
      beta2: 0.999,
      eps: 1e-8,
      weightDecay: 0,
      gradClipNorm: 1,
    })
  })
  if (!Number.isFinite(trained.value.gradNorm))
    throw new Error(`memory: the gradient's norm is ${trained.value.gradNorm}`)
  show(`updated in ${trained.seconds.toFixed(1)} s`)
}

/** Peak resident memory so far. */
function show(what: string): void {
  const gib = process.resourceUsage().maxRSS / 2 ** 20
  console.log(`  ${what.padEnd(46)} peak ${gib.toFixed(1)} GiB`)
}

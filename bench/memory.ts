import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { groupAdvantages } from '../src/algorithms/advantages.ts'
import { tokenWeights } from '../src/algorithms/weights.ts'
import { Random } from '../src/common/random.ts'
import type { Datum } from '../src/engines/contract.ts'
import { openEngine } from '../src/engines/open.ts'
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

/** Peak memory of this process for one GRPO step of half a billion parameters, with a separate reference policy. */
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
  const engine = await openEngine({
    model: { config, parameters: initParameters(config, 0) },
    threads: THREADS,
  })
  collectGarbage() // of the initial weights, which the engine has copied
  const [trainer, reference] = [await engine.trainer(), await engine.scorer(engine.base)]
  show('model opened')

  const prompts = Array.from({ length: QUESTIONS }, () =>
    Int32Array.from({ length: PROMPT }, () => random.int(0, config.vocabSize - 1)),
  )
  const sampler = await engine.sampler(await trainer.snapshot())
  const sampled = await timed(() =>
    Promise.all(
      prompts.map((prompt, seed) =>
        sampler.sample(prompt, { n: GROUP, maxTokens: NEW, temperature: 1, seed }),
      ),
    ),
  )
  await sampler.close()
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
  const scored = await timed(() => reference.logprobs(datums))
  show(`reference log-probabilities in ${scored.seconds.toFixed(1)} s`)

  const trained = await timed(async () => {
    await trainer.forwardBackward(
      datums.map((datum, i) => ({ ...datum, reference: scored.value[i]! })),
      rl.objective,
    )
    return trainer.optimStep({
      learningRate: 1e-6,
      beta1: 0.9,
      beta2: 0.999,
      eps: 1e-8,
      weightDecay: 0,
      gradClipNorm: 1,
    })
  })
  if (!Number.isFinite(trained.value.gradNorm ?? Number.NaN))
    throw new Error(`memory: the gradient's norm is ${trained.value.gradNorm}`)
  show(`updated in ${trained.seconds.toFixed(1)} s`)
  await engine.close()
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Peak resident memory so far. */
function show(what: string): void {
  const gib = process.resourceUsage().maxRSS / 2 ** 20
  console.log(`  ${what.padEnd(46)} peak ${gib.toFixed(1)} GiB`)
}

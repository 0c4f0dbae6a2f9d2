import { groupAdvantages } from '../src/algorithms/advantages.ts'
import { openEngine } from '../src/engines/open.ts'
import { countParameters } from '../src/models/parameters.ts'
import { Renderer } from '../src/renderer/renderer.ts'
import { rlPreset } from '../src/settings/presets.ts'
import { toDatum } from '../src/stages/reinforce/datums.ts'
import { update } from '../src/stages/reinforce/update.ts'
import { readSampled, sampleResponses } from '../src/stages/sample/rollouts.ts'
import { miniature } from '../src/tasks/miniature/index.ts'
import { r1ZeroPrompt } from '../src/thinking/r1/template.ts'
import { compare, THREADS, timed } from './compare.ts'
import { type BenchOptions, trainableOf } from './lora.ts'
import type { BenchModel } from './model.ts'

const MAX_TOKENS = 128
/** Consecutive steps per repetition, as in training; for a large model a single step is long enough. */
const STEPS = 5
/**
 * Responses per training batch of the peer: with all at once a large model is far slower, or does not fit into memory.
 */
const PEER_ROWS = 16
const LARGE_PARAMETERS = 10_000_000
/** Of a large model: this many questions × responses of this length. */
const LARGE_BATCH = { questionsPerStep: 4, groupSize: 8, maxTokens: 64 } as const
const rl = {
  ...rlPreset('miniature', 'grpo'),
  maxTokens: MAX_TOKENS,
  learningRate: 1e-5,
  schedule: { kind: 'constant', warmup: 0 },
} as const

/**
 * Sample, score, reference log-probabilities, update: a step of GRPO on the miniature's questions. With `lora`, adapters of
 * this rank on all linear layers are trained.
 */
export async function grpoStep(
  model: BenchModel,
  { repetitions = model.large ? 3 : 7, lora = null }: BenchOptions = {},
): Promise<void> {
  const { questionsPerStep: count, groupSize: group } = model.large ? LARGE_BATCH : rl
  const maxTokens = model.large ? LARGE_BATCH.maxTokens : MAX_TOKENS
  const steps = countParameters(model.config) > LARGE_PARAMETERS ? 1 : STEPS
  const total = steps * (repetitions + 1)
  const questions = Array.from({ length: total }, (_, step) => miniature.training({ seed: 0, step, count }))
  // An end token that is never drawn: every response has its full length, on both sides.
  const renderer = new Renderer({
    folder: model.directory,
    tokenizer: model.tokenizer,
    chat: null,
    template: 'r1-zero',
    stopTokens: [-1],
    endOfTurn: null,
  })
  const engine = await openEngine({ model: model.directory, threads: THREADS })
  const trainer = await engine.trainer({ trainable: trainableOf(lora) })
  const referencePolicy = await engine.scorer(engine.base)
  const settings = { rl: { ...rl, maxTokens }, seed: 0, steps: total }
  let step = 0

  async function oneStep(): Promise<void> {
    const sampler = await engine.sampler(await trainer.snapshot())
    const responses_P_G = await sampleResponses(sampler, renderer, questions[step]!, {
      group,
      maxTokens,
      temperature: 1,
      stream: ['bench', step],
    })
    await sampler.close()
    const datums = responses_P_G.flat().map((response) => toDatum(response, 1))
    const reference = referencePolicy.logprobs(datums)
    const rollouts_P_G = responses_P_G.map((responses_G) =>
      responses_G.map((response) => readSampled(renderer, miniature, response)),
    )
    const rollouts = rollouts_P_G.flat()
    const advantages = groupAdvantages(
      rollouts_P_G.map((rollouts_G) => rollouts_G.map(({ response }) => digits(response))),
      rl.advantage,
    ).flat()
    const logprobs = await reference
    const examples = rollouts.map((rollout, i) => ({
      rollout,
      advantage: advantages[i]!,
      reference: logprobs[i]!,
    }))
    await update({ engine, trainer, run: { progress: () => {} }, settings }, examples, ++step)
  }

  const prompts = questions.flat().map(({ prompt }) => r1ZeroPrompt(prompt))
  const lengths = prompts.map((prompt) => model.tokenizer.encode(prompt).length)
  try {
    await compare({
      name: lora === null ? 'grpo-step' : `grpo-step, LoRA of rank ${lora}`,
      work: [
        model.title,
        `${steps} × sample ${count} questions × ${group} responses of ${maxTokens} tokens (prompts of ${Math.min(...lengths)} to ${Math.max(...lengths)}), reward, reference log-probabilities, one update with clip 0.2 and KL 0.001, ${THREADS} threads`,
        `the peer is GRPOTrainer without vLLM and without gradient checkpointing, ${PEER_ROWS} responses at a time`,
      ],
      ours: () =>
        timed(async () => {
          for (let i = 0; i < steps; i++) await oneStep()
        }),
      peer: {
        script: 'grpo_step.py',
        setup: {
          model: model.directory,
          prompts,
          questions: count,
          group,
          rows: PEER_ROWS,
          maxTokens,
          steps,
          lora,
          learningRate: rl.learningRate,
          betas: rl.betas,
          kl: rl.objective.kl.beta,
        },
      },
      repetitions,
      amount: { count: steps * count * group * maxTokens, unit: 'sampled tokens' },
    })
  } finally {
    await engine.close()
  }
}

/** A trivial reward: the share of digits. */
function digits(response: string): number {
  return response.length === 0 ? 0 : response.replace(/[^0-9]/g, '').length / response.length
}

import { Random } from '../src/common/random.ts'
import { openSampler } from '../src/engines/open.ts'
import { compare, THREADS, timed } from './compare.ts'
import type { BenchModel } from './model.ts'

const PROMPT = 90

/** Sampling from the model's distribution, as in reinforcement learning; from a large model, also the likeliest tokens. */
export async function decode(model: BenchModel, { repetitions = model.large ? 3 : 5 } = {}): Promise<void> {
  const [count, group, length] = model.large ? [8, 8, 64] : [10, 8, 128]
  const random = new Random('bench', 'decode')
  const prompts = Array.from({ length: count }, () =>
    Int32Array.from({ length: PROMPT }, () => random.int(0, 255)),
  )
  const sampler = await openSampler({ model: model.directory, threads: THREADS })
  try {
    let seed = 0
    for (const temperature of model.large ? [1, 0] : [1])
      await compare({
        name: temperature === 1 ? 'decode' : 'decode, greedy',
        work: [
          model.title,
          `${length} new tokens for each of ${count * group} sequences, ${count} prompts of ${PROMPT} tokens × ${group}, temperature ${temperature}, no stop token, ${THREADS} threads`,
          'ours also returns the log-probability of every token; the peer (generate, dynamic cache) does not',
        ],
        ours: () =>
          timed(() =>
            Promise.all(
              prompts.map((prompt) =>
                sampler.sample(prompt, { n: group, maxTokens: length, temperature, seed: seed++ }),
              ),
            ),
          ),
        peer: {
          script: 'decode.py',
          setup: {
            model: model.directory,
            prompts: prompts.map((p) => [...p]),
            group,
            newTokens: length,
            temperature,
            pad: model.tokenizer.padId,
          },
        },
        repetitions,
        amount: { count: count * group * length, unit: 'tokens' },
      })
  } finally {
    await sampler.close()
  }
}

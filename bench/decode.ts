import { Random } from '../src/common/random.ts'
import { openSampler } from '../src/engines/open.ts'
import { compare, THREADS, timed } from './compare.ts'
import type { BenchModel } from './model.ts'

const [PROMPTS, GROUP, PROMPT, NEW] = [10, 8, 90, 128]

/** Sampling from the model's distribution, as in reinforcement learning. */
export async function decode(model: BenchModel, repetitions = 5): Promise<void> {
  const random = new Random('bench', 'decode')
  const prompts = Array.from({ length: PROMPTS }, () =>
    Int32Array.from({ length: PROMPT }, () => random.int(0, 255)),
  )
  const sampler = await openSampler({ model: model.directory, threads: THREADS })
  try {
    let seed = 0
    await compare({
      name: 'decode',
      work: [
        model.title,
        `${NEW} new tokens for each of ${PROMPTS * GROUP} sequences, ${PROMPTS} prompts of ${PROMPT} tokens × ${GROUP}, temperature 1, no stop token, ${THREADS} threads`,
        'ours also returns the log-probability of every token; the peer (generate, dynamic cache) does not',
      ],
      ours: () =>
        timed(() =>
          Promise.all(
            prompts.map((prompt) =>
              sampler.sample(prompt, { n: GROUP, maxTokens: NEW, temperature: 1, seed: seed++ }),
            ),
          ),
        ),
      peer: {
        script: 'decode.py',
        setup: {
          model: model.directory,
          prompts: prompts.map((p) => [...p]),
          group: GROUP,
          newTokens: NEW,
          pad: model.tokenizer.padId,
        },
      },
      repetitions,
      amount: { count: PROMPTS * GROUP * NEW, unit: 'tokens' },
    })
  } finally {
    await sampler.close()
  }
}

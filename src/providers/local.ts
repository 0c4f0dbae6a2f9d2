import { UserError } from '../common/errors.ts'
import type { Sampler } from '../engines/contract.ts'
import { openLocalTrainer } from '../engines/local/index.ts'
import { loadConfig } from '../models/directory.ts'
import { Tokenizer } from '../models/tokenizer.ts'
import { weightsHash } from '../models/weights-hash.ts'
import { splitThinking } from '../thinking/split.ts'
import { Account, type Generator } from './generator.ts'

export interface SamplingSettings {
  /** Longest reply in tokens, thinking included. */
  readonly maxTokens: number
  readonly temperature: number
  readonly topP?: number
}

/** A model of this machine, asked through its chat template. `model` is a Hugging Face folder. */
export async function localGenerator({
  model,
  threads,
  ...settings
}: SamplingSettings & { readonly model: string; readonly threads?: number }): Promise<Generator> {
  const { maxPositions } = loadConfig(model)
  const tokenizer = Tokenizer.load(model)
  const identity = weightsHash(model)
  const trainer = await openLocalTrainer({ model, ...(threads === undefined ? {} : { threads }) })
  const generator = samplerGenerator(await trainer.sampler(), {
    tokenizer,
    maxPositions,
    identity,
    ...settings,
  })
  return { ...generator, close: () => trainer.close() }
}

/** A model that is open already. `identity` names its weights. */
export function samplerGenerator(
  sampler: Sampler,
  {
    tokenizer,
    maxPositions,
    identity,
    ...settings
  }: SamplingSettings & {
    readonly tokenizer: Tokenizer
    readonly maxPositions: number
    readonly identity: string
  },
): Generator {
  const account = new Account(null)
  const { maxTokens, ...sampling } = settings
  return {
    identity: JSON.stringify([identity, settings]),
    spent: () => account.spent(),
    async generate(messages, { seed }) {
      const prompt = tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true })
      const tokens = tokenizer.encode(prompt)
      const left = maxPositions - tokens.length
      if (left < 1)
        throw new UserError(
          `the prompt has ${tokens.length} tokens, and the model reads ${maxPositions} with its reply; shorten the messages`,
        )
      const [sequence] = await sampler.sample(tokens, {
        ...sampling,
        n: 1,
        maxTokens: Math.min(maxTokens, left),
        seed,
        stopTokens: [tokenizer.eosId],
      })
      const { tokens: sampled, stopReason } = sequence!
      const written = sampled.at(-1) === tokenizer.eosId ? sampled.subarray(0, -1) : sampled
      const { thinking, answer } = splitThinking(tokenizer.decode(written), {
        opened: /<think>\s*$/.test(prompt),
      })
      const usage = { promptTokens: tokens.length, completionTokens: sampled.length }
      account.add(usage)
      return { text: answer ?? '', reasoning: thinking, finishReason: stopReason, usage }
    },
    close: async () => {},
  }
}

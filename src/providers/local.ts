import { PromptTooLong } from '../common/errors.ts'
import { plural } from '../common/words.ts'
import type { Sampler, Truncation } from '../engines/contract.ts'
import { type EngineName, openSampler } from '../engines/open.ts'
import { loadConfig } from '../models/checkpoint/directory.ts'
import { weightsHash } from '../models/checkpoint/weights-hash.ts'
import type { TemplateSettings } from '../renderer/chat-template.ts'
import { Renderer } from '../renderer/renderer.ts'
import { splitThinking } from '../thinking/split.ts'
import { Account, type Generator } from './generator.ts'

export interface SamplingSettings extends Truncation {
  /** Longest reply in tokens, thinking included. */
  readonly maxTokens: number
  readonly temperature: number
}

/** Opens a Hugging Face folder as a generator, which answers through its chat template. Closing it closes the model. */
export async function localGenerator({
  model,
  engine,
  threads,
  chat,
  ...settings
}: SamplingSettings & {
  readonly model: string
  readonly engine?: EngineName | undefined
  readonly threads?: number | undefined
  /** Arguments and date of the chat template. */
  readonly chat?: Partial<TemplateSettings> | undefined
}): Promise<Generator> {
  const { maxPositions } = loadConfig(model)
  const renderer = Renderer.load(model, { chat, template: 'chat' })
  const identity = await weightsHash(model)
  const sampler = await openSampler({ engine, model, threads })
  const generator = samplerGenerator(sampler, { renderer, maxPositions, identity, ...settings })
  return { ...generator, close: () => sampler.close() }
}

/** A model that is open already as a generator. `identity` names its weights. Closing the generator leaves it open. */
export function samplerGenerator(
  sampler: Sampler,
  {
    renderer,
    maxPositions,
    identity,
    ...settings
  }: SamplingSettings & {
    readonly renderer: Renderer
    readonly maxPositions: number
    readonly identity: string
  },
): Generator {
  const account = new Account(null)
  const { maxTokens, ...sampling } = settings
  const { chatArguments } = renderer
  const prompted = Object.keys(chatArguments).length > 0 ? [chatArguments] : []
  return {
    identity: JSON.stringify([identity, settings, ...prompted]),
    spent: () => account.spent(),
    async generate(messages, { seed }) {
      const { tokens, opened } = renderer.chatPrompt(messages)
      const left = maxPositions - tokens.length
      if (left < 1)
        throw new PromptTooLong(
          `the prompt has ${plural(tokens.length, 'token')}, and the model reads ${maxPositions} with its reply; shorten the messages`,
        )
      const [sequence] = await sampler.sample(tokens, {
        ...sampling,
        n: 1,
        maxTokens: Math.min(maxTokens, left),
        seed,
        stopTokens: renderer.stopTokens,
      })
      const { tokens: sampled, stopReason } = sequence!
      const { thinking, answer } = splitThinking(renderer.response(sampled), { opened })
      const usage = { promptTokens: tokens.length, completionTokens: sampled.length }
      account.add(usage)
      return { text: answer ?? '', reasoning: thinking, finishReason: stopReason, usage }
    },
    close: async () => {},
  }
}

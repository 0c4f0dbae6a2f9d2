import type { ChatMessage } from '../renderer/messages.ts'
import { collect } from '../thinking/collect.ts'
import type { TextModel, TextRequest, TextUsage } from '../thinking/model.ts'
import { Account, type MeteredModel, metered, type Spending } from './spending.ts'

/** A model with fixed settings that replies to messages: a judge, a teacher, a writer. */
export interface Generator {
  /** Everything that a reply depends on besides the messages and the seed: the model and its settings. Has no secrets. */
  readonly identity: string
  /** Replies to the messages; a different `seed` gives a different reply to the same messages. */
  generate(messages: readonly ChatMessage[], options: { readonly seed: number }): Promise<Generation>
  /** The tokens and money used so far. */
  spent(): Spending
  close(): Promise<void>
}

/** A reply. */
export interface Generation {
  /** The text after the thinking; empty if the thinking did not end. */
  readonly text: string
  /** The thinking, or `null` if there is none. */
  readonly reasoning: string | null
  /** `length`: cut off at the maximum length; `content_filter`: withheld by the provider. */
  readonly finishReason: 'stop' | 'length' | 'content_filter'
  /** Tokens of the prompt and of the reply (including the thinking); `null` if the provider does not say. */
  readonly usage: Usage | null
}

interface Usage {
  readonly promptTokens: number
  readonly completionTokens: number
}

/** The reply of a model whose messages leave no room for one: cut off before it began. */
export const NO_REPLY: Generation = { text: '', reasoning: null, finishReason: 'length', usage: null }

/** What a generator always asks for; what is null or missing is left to the model. */
export type GeneratorSettings = Pick<
  TextRequest,
  'maxTokens' | 'temperature' | 'topP' | 'topK' | 'minP' | 'thinking' | 'effort' | 'extra'
>

/**
 * A text model as a generator. It reads replies as a whole, so that one that breaks off is requested again. Closing the
 * generator closes the model.
 *
 * @example
 * const judge = generatorOf(await openModel('deepseek:deepseek-chat'), { maxTokens: 4096, temperature: 1 })
 * const { text, reasoning } = await judge.generate([{ role: 'user', content: 'Why?' }], { seed: 0 })
 */
export function generatorOf(model: TextModel | MeteredModel, settings: GeneratorSettings): Generator {
  const counted = 'spent' in model ? model : metered(model, new Account(null))
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value != null))
  return {
    identity: JSON.stringify([model.identity, given]),
    spent: () => counted.spent(),
    async generate(messages, { seed }) {
      const { thinking, answer, end } = await collect(
        counted.respond({ ...given, messages, seed, whole: true }),
      )
      return {
        text: answer ?? '',
        reasoning: thinking,
        finishReason: end.reason === 'tool_calls' ? 'stop' : end.reason,
        usage: usageOf(end.usage),
      }
    },
    close: () => counted.close(),
  }
}

const usageOf = ({ promptTokens, completionTokens }: TextUsage): Usage | null =>
  promptTokens === null || completionTokens === null ? null : { promptTokens, completionTokens }

import { UserError } from '../../common/errors.ts'
import type { ChatSpan } from '../../models/generation-marks.ts'
import type { ChatMessage, Tokenizer } from '../../models/tokenizer.ts'
import type { Demonstration } from '../../tasks/demonstrations.ts'
import type { Sequence } from './learn.ts'

/** The part of a tokenizer that masks need. */
type ChatCodec = Pick<
  Tokenizer,
  'encode' | 'decode' | 'eosId' | 'isSpecial' | 'marksGeneration' | 'markedChat' | 'applyChatTemplate'
>

/**
 * A demonstration as tokens. In a conversation, the learned tokens are those that the assistant wrote, with the token
 * that ends its turn; for a prompt and its completion, those of the completion, with the token that ends the text.
 *
 * @throws UserError if there is nothing to learn, or the assistant's tokens cannot be identified.
 */
export function supervise(codec: ChatCodec, demonstration: Demonstration): Sequence {
  if ('messages' in demonstration) return encodeParts(codec, conversationParts(codec, demonstration.messages))
  const { prompt, completion } = demonstration
  const [question, answer] = [codec.encode(prompt), codec.encode(completion)]
  return join([
    { ids: question, generated: false },
    { ids: answer, generated: true },
    { ids: Int32Array.of(codec.eosId), generated: true },
  ])
}

/**
 * Splits a conversation into the assistant's parts and the rest, by the template's marks if it has them, else by
 * rendering prefixes.
 */
function conversationParts(codec: ChatCodec, messages: readonly ChatMessage[]): ChatSpan[] {
  if (codec.marksGeneration) return codec.markedChat(messages)
  const whole = codec.applyChatTemplate(messages)
  const parts: ChatSpan[] = []
  let at = 0
  for (const [i, { role }] of messages.entries()) {
    if (role !== 'assistant') continue
    // the prompt of this answer, and the same with the answer
    const before = codec.applyChatTemplate(messages.slice(0, i), { addGenerationPrompt: true })
    const through = codec.applyChatTemplate(messages.slice(0, i + 1))
    if (before.length < at || !through.startsWith(before) || !whole.startsWith(through))
      throw new UserError(
        `the chat template renders message ${i + 1}, the assistant's, differently if more messages follow or if it is generated, so its tokens cannot be identified. Give every answer its own row that ends with it, or mark what the assistant writes in the template with {% generation %}`,
      )
    parts.push({ text: whole.slice(at, before.length), generated: false })
    parts.push({ text: through.slice(before.length), generated: true })
    at = through.length
  }
  parts.push({ text: whole.slice(at), generated: false })
  return parts.filter(({ text }) => text !== '').flatMap((part) => withoutLineEnd(codec, part))
}

/** White space after the token that ends a turn belongs to the template: the model has stopped before it. */
function withoutLineEnd(codec: ChatCodec, { text, generated }: ChatSpan): ChatSpan[] {
  const turn = text.trimEnd()
  const last = generated && turn !== text ? codec.encode(turn).at(-1) : undefined
  if (last === undefined || !codec.isSpecial(last)) return [{ text, generated }]
  return [
    { text: turn, generated },
    { text: text.slice(turn.length), generated: false },
  ]
}

/**
 * Encodes the parts of a text. Each part is encoded separately, as a prompt is in sampling, so no token spans two parts.
 * If the tokenizer puts a space before every text, that would add spaces; the whole text is then encoded and its tokens
 * are split.
 */
function encodeParts(codec: ChatCodec, parts: readonly ChatSpan[]): Sequence {
  const pieces = parts.map(({ text, generated }) => ({ ids: codec.encode(text), generated }))
  const joined = join(pieces)
  const whole = parts.map(({ text }) => text).join('')
  const read = codec.decode(joined.tokens)
  if (read === whole || read === codec.decode(codec.encode(whole))) return joined
  let text = ''
  let before = new Int32Array()
  return join(
    parts.map((part) => {
      text += part.text
      const through = codec.encode(text)
      if (before.some((id, t) => through[t] !== id))
        throw new UserError(
          "a token spans the end of the prompt and the start of the assistant's answer, so they cannot be separated; use a chat template that ends prompts with a special token",
        )
      const ids = through.subarray(before.length)
      before = through as Int32Array<ArrayBuffer>
      return { ids, generated: part.generated }
    }),
  )
}

function join(pieces: readonly { ids: Int32Array; generated: boolean }[]): Sequence {
  const length = pieces.reduce((sum, { ids }) => sum + ids.length, 0)
  const tokens = new Int32Array(length)
  const learned = new Uint8Array(length)
  let at = 0
  for (const { ids, generated } of pieces) {
    tokens.set(ids, at)
    learned.fill(Number(generated), at, at + ids.length)
    at += ids.length
  }
  // the first token cannot be learned
  if (!learned.includes(1, 1)) throw new UserError('there are no assistant tokens to learn from')
  return { tokens, learned }
}

import { UserError } from '../../common/errors.ts'
import type { Part } from '../../models/generation-marks.ts'
import type { ChatMessage, Tokenizer } from '../../models/tokenizer.ts'
import type { Demonstration } from '../../tasks/demonstrations.ts'
import type { Sequence } from './learn.ts'

/** What masks need of a tokenizer. */
export type ChatCodec = Pick<
  Tokenizer,
  'encode' | 'decode' | 'eosId' | 'isSpecial' | 'marksGeneration' | 'markedChat' | 'applyChatTemplate'
>

/**
 * A demonstration as tokens. Of a conversation, what the assistant wrote is learned, with the token that ends its turn;
 * of a prompt and its completion, the completion with the token that ends the text.
 *
 * @throws UserError where nothing can be learned, or it cannot be told what.
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

/** What the assistant wrote and what stands between, by the template's own marks or else by what it renders. */
function conversationParts(codec: ChatCodec, messages: readonly ChatMessage[]): Part[] {
  if (codec.marksGeneration) return codec.markedChat(messages)
  const whole = codec.applyChatTemplate(messages)
  const parts: Part[] = []
  let at = 0
  for (const [i, { role }] of messages.entries()) {
    if (role !== 'assistant') continue
    // what the assistant reads before it answers, and the same with the answer
    const before = codec.applyChatTemplate(messages.slice(0, i), { addGenerationPrompt: true })
    const through = codec.applyChatTemplate(messages.slice(0, i + 1))
    if (before.length < at || !through.startsWith(before) || !whole.startsWith(through))
      throw new UserError(
        `the chat template renders message ${i + 1}, the assistant's, otherwise when more follows or when it is asked for, so that its tokens cannot be told apart. Give every answer a row of its own that ends with it, or mark what the assistant writes in the template with {% generation %}`,
      )
    parts.push({ text: whole.slice(at, before.length), generated: false })
    parts.push({ text: through.slice(before.length), generated: true })
    at = through.length
  }
  parts.push({ text: whole.slice(at), generated: false })
  return parts.filter(({ text }) => text !== '').flatMap((part) => withoutLineEnd(codec, part))
}

/** White space after the token that ends a turn belongs to the template: no model writes it, as it has stopped. */
function withoutLineEnd(codec: ChatCodec, { text, generated }: Part): Part[] {
  const turn = text.trimEnd()
  const last = generated && turn !== text ? codec.encode(turn).at(-1) : undefined
  if (last === undefined || !codec.isSpecial(last)) return [{ text, generated }]
  return [
    { text: turn, generated },
    { text: text.slice(turn.length), generated: false },
  ]
}

/**
 * The tokens of text that is cut in parts. Each part is encoded alone, as a prompt is before it is answered: no token
 * reaches over a cut. Where a tokenizer puts a space before every text, that would add spaces; then the whole is cut.
 */
function encodeParts(codec: ChatCodec, parts: readonly Part[]): Sequence {
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
          "a token reaches from the prompt into the assistant's answer, so that the two cannot be told apart; use a chat template that ends prompts with a token of its own",
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
  // the first token follows from nothing
  if (!learned.includes(1, 1)) throw new UserError('there is no token of the assistant to learn from')
  return { tokens, learned }
}

import { UserError } from '../../common/errors.ts'
import type { ChatSpan } from '../../renderer/generation-marks.ts'
import type { ChatMessage } from '../../renderer/messages.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import type { Demonstration } from '../../tasks/demonstrations.ts'
import type { Sequence } from './learn.ts'

/**
 * A demonstration as tokens. In a conversation, the learned tokens are those that the assistant wrote, with the token
 * that ends its turn; for a prompt and its completion, those of the completion, with the token that ends the text.
 *
 * @throws UserError if there is nothing to learn, or the assistant's tokens cannot be identified.
 */
export function supervise(renderer: Renderer, demonstration: Demonstration): Sequence {
  if ('messages' in demonstration)
    return encodeParts(renderer, conversationParts(renderer, demonstration.messages))
  const { prompt, completion } = demonstration
  const [question, answer] = [renderer.encodeText(prompt), renderer.encode(completion)]
  return join([
    { ids: question, generated: false },
    { ids: answer, generated: true },
    { ids: Int32Array.of(renderer.endOfText), generated: true },
  ])
}

/**
 * Splits a conversation into the assistant's parts and the rest, by the template's marks if it has them, else by
 * rendering prefixes.
 */
function conversationParts(renderer: Renderer, messages: readonly ChatMessage[]): ChatSpan[] {
  if (renderer.chat.marksGeneration) return renderer.chat.spans(messages)
  const whole = renderer.chat.render(messages)
  const parts: ChatSpan[] = []
  let at = 0
  for (const [i, { role }] of messages.entries()) {
    if (role !== 'assistant') continue
    // the prompt of this answer, and the same with the answer
    const before = renderer.chat.render(messages.slice(0, i), { addGenerationPrompt: true })
    const through = renderer.chat.render(messages.slice(0, i + 1))
    if (before.length < at || !through.startsWith(before) || !whole.startsWith(through))
      throw new UserError(
        `the chat template renders message ${i + 1}, the assistant's, differently if more messages follow or if it is generated, so its tokens cannot be identified. Give every answer its own row that ends with it, or mark what the assistant writes in the template with {% generation %}`,
      )
    parts.push({ text: whole.slice(at, before.length), generated: false })
    parts.push({ text: through.slice(before.length), generated: true })
    at = through.length
  }
  parts.push({ text: whole.slice(at), generated: false })
  return parts.filter(({ text }) => text !== '').flatMap((part) => withoutLineEnd(renderer, part))
}

/** White space after the token that ends a turn belongs to the template: the model has stopped before it. */
function withoutLineEnd(renderer: Renderer, { text, generated }: ChatSpan): ChatSpan[] {
  const turn = text.trimEnd()
  const last = generated && turn !== text ? renderer.encode(turn).at(-1) : undefined
  if (last === undefined || !renderer.stopTokens.includes(last)) return [{ text, generated }]
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
function encodeParts(renderer: Renderer, parts: readonly ChatSpan[]): Sequence {
  const pieces = parts.map(({ text, generated }) => ({ ids: renderer.encode(text), generated }))
  const joined = join(pieces)
  const whole = parts.map(({ text }) => text).join('')
  const read = renderer.decode(joined.tokens)
  if (read === whole || read === renderer.decode(renderer.encode(whole))) return joined
  let text = ''
  let before = new Int32Array()
  return join(
    parts.map((part) => {
      text += part.text
      const through = renderer.encode(text)
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

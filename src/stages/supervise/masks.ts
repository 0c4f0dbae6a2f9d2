import { UserError } from '../../common/errors.ts'
import type { ChatSpan } from '../../renderer/generation-marks.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import {
  afterPrompt,
  type Chat,
  checkTurn,
  endsTurn,
  lastTurn,
  type Turn,
  tryRender,
} from '../../renderer/turn.ts'
import type { Demonstration } from '../../tasks/examples/demonstrations.ts'
import type { Sequence } from './learn.ts'

/**
 * A demonstration as tokens. In a conversation, the learned tokens are those that the assistant wrote, with the token
 * that ends its turn; for a prompt and its completion, those of the completion, with the token that ends the text.
 *
 * A conversation is one sequence where the chat template renders it so that the model sees before each answer what it will
 * see in use. Otherwise, as with templates that leave out earlier thinking, each answer is a sequence of its own.
 *
 * @throws UserError if there is nothing to learn, if something that the assistant says would not be learned, or if its
 * tokens cannot be identified.
 */
export function supervise(renderer: Renderer, demonstration: Demonstration): Sequence[] {
  if ('messages' in demonstration)
    return conversationParts(renderer, demonstration).map((parts) => encodeParts(renderer, parts))
  const { prompt, completion } = demonstration
  const [question, answer] = [renderer.encodeText(prompt), renderer.encode(completion)]
  return [
    join([
      { ids: question, generated: false },
      { ids: answer, generated: true },
      { ids: Int32Array.of(renderer.endOfText), generated: true },
    ]),
  ]
}

/** Splits a conversation into the answers to learn and the rest: as one sequence, or as one for each answer. */
function conversationParts(
  renderer: Renderer,
  { messages: given, tools }: Extract<Demonstration, { messages: unknown }>,
): ChatSpan[][] {
  const learned = given.flatMap(({ role, weight }, i) => (role === 'assistant' && weight !== 0 ? [i] : []))
  if (learned.length === 0) throw new UserError('the conversation has no assistant message to learn from')
  const chat: Chat = { messages: given.map(({ weight: _, ...message }) => message), tools }
  const turns =
    (renderer.chat.marksGeneration ? markedTurns(renderer, chat, learned) : null) ??
    learned.map((i) => lastTurn(renderer, { ...chat, messages: chat.messages.slice(0, i + 1) }))
  const apart = turns.map(({ prompt, response }) => withoutEmpty([context(prompt), answer(response)]))
  const whole = wholeText(renderer, chat, turns.at(-1)!)
  if (whole === null) return apart
  const parts: ChatSpan[] = []
  let at = 0
  for (const { prompt, response } of turns) {
    if (prompt.length < at || !whole.startsWith(prompt + response)) return apart
    parts.push(context(prompt.slice(at)), answer(response))
    at = prompt.length + response.length
  }
  return [withoutEmpty([...parts, context(whole.slice(at))])]
}

/** The whole conversation, with the token that ends its last answer; null if the template refuses it. */
function wholeText(renderer: Renderer, chat: Chat, { prompt, response }: Turn): string | null {
  const whole = tryRender(renderer, chat)
  return whole !== null && (prompt + response).startsWith(whole) ? prompt + response : whole
}

const context = (text: string): ChatSpan => ({ text, generated: false })
const answer = (text: string): ChatSpan => ({ text, generated: true })
const withoutEmpty = (parts: readonly ChatSpan[]): ChatSpan[] => parts.filter(({ text }) => text !== '')

/** What the template marks as generated; null if something of an answer to learn is not in it. */
function markedTurns(
  renderer: Renderer,
  { messages, tools }: Chat,
  learned: readonly number[],
): Turn[] | null {
  const spans = renderer.chat.spans(messages, { tools })
  const answers = messages.flatMap(({ role }, i) => (role === 'assistant' ? [i] : []))
  const marked: Turn[] = []
  let prompt = ''
  for (const { text, generated } of spans) {
    if (generated) marked.push({ prompt, response: text })
    prompt += text
  }
  if (marked.length !== answers.length) return null
  try {
    return learned.map((i) => {
      const asked = renderer.chat.render(messages.slice(0, i), { tools, addGenerationPrompt: true })
      const turn = afterPrompt(marked[answers.indexOf(i)]!, asked)
      checkTurn(renderer, turn, messages.slice(0, i + 1))
      if (!endsTurn(renderer, turn.response.trimEnd()))
        throw new UserError('the end of the turn is not marked')
      return turn
    })
  } catch (error) {
    if (error instanceof UserError) return null
    throw error
  }
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

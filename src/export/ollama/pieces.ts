import { UserError } from '../../common/errors.ts'
import type { RenderOptions } from '../../renderer/chat-template.ts'
import type { ChatMessage } from '../../renderer/messages.ts'

/** The texts that a chat template prints around the contents of messages. */
export interface Pieces {
  /** Before the first question of a conversation without a system message. */
  readonly begin: string
  /** Before a system message, and between it and the first question; null if the template refuses one. */
  readonly system: readonly [before: string, after: string] | null
  /** Between a question and the answer to it, of earlier turns. */
  readonly toAnswer: string
  /** Between an answer and the next question. */
  readonly toQuestion: string
  /** After the last question, where the model goes on. */
  readonly prompt: string
  /** The same where the model must not think; null if the template has no such form. */
  readonly promptWithoutThinking: string | null
  /** Around the thinking of the last answer; null if the template does not print it. */
  readonly thinking: readonly [before: string, after: string] | null
}

type Render = (messages: readonly ChatMessage[], options: RenderOptions) => string

/** Contents that no template has of its own, and none changes: words without punctuation or space at their ends. */
const CONTENT = {
  system: 'Sx7q',
  questions: ['Qx1q', 'Qx2q', 'Qx3q'],
  answers: ['Ax1q', 'Ax2q'],
  thinking: 'Tx5q',
}

const message = (role: string, content: string): ChatMessage => ({ role, content })

/**
 * What a chat template prints around contents, found by rendering conversations. `bos` is left out where a text begins with
 * it.
 *
 * @throws UserError for a template whose turns depend on more than their roles.
 */
export function findPieces(render: Render, bos: string | null): Pieces {
  const [q1, q2, q3] = CONTENT.questions as [string, string, string]
  const [a1, a2] = CONTENT.answers as [string, string]
  const [user, assistant] = ['user', 'assistant'].map((role) => (content: string) => message(role, content))
  const asked = { addGenerationPrompt: true }
  const turns = [user!(q1), assistant!(a1), user!(q2), assistant!(a2), user!(q3)]
  const [begin, toAnswer, toQuestion, again, next, prompt] = between(render(turns, asked), [
    q1,
    a1,
    q2,
    a2,
    q3,
  ])
  if (again !== toAnswer || next !== toQuestion)
    throw new UserError(
      'the chat template prints the first and the second answer of a conversation differently, which cannot be written as a template of Ollama',
    )
  const withoutBos = (text: string): string =>
    bos !== null && text.startsWith(bos) ? text.slice(bos.length) : text
  const system = attempt(() =>
    between(render([message('system', CONTENT.system), user!(q1)], asked), [CONTENT.system, q1]),
  )
  const direct = render([user!(q1)], { ...asked, arguments: { enable_thinking: false } })
  const directPrompt = direct.slice(direct.lastIndexOf(q1) + q1.length)
  return {
    begin: withoutBos(begin!),
    system: system && [withoutBos(system[0]!), system[1]!],
    toAnswer: toAnswer!,
    toQuestion: toQuestion!,
    prompt: prompt!,
    promptWithoutThinking: directPrompt === prompt ? null : directPrompt,
    thinking: thinkingOf(render, toAnswer!),
  }
}

/** What is printed around the thinking of the last answer of a conversation. */
function thinkingOf(render: Render, toAnswer: string): Pieces['thinking'] {
  const [question, answer] = [CONTENT.questions[0]!, CONTENT.answers[0]!]
  const thought = { ...message('assistant', answer), reasoning_content: CONTENT.thinking }
  const parts = attempt(() =>
    between(render([message('user', question), thought], {}), [question, CONTENT.thinking, answer]),
  )
  if (!parts) return null
  const [, before, after] = parts as [string, string, string]
  // The beginning of the turn comes before the tag that opens the thinking.
  const opening = before.startsWith(toAnswer) ? before.slice(toAnswer.length) : before.trimStart()
  return opening.trim() === '' ? null : [opening, after]
}

/** The texts before, between and after contents; null if one is missing. @throws UserError likewise. */
function between(text: string, contents: readonly string[]): string[] {
  const parts: string[] = []
  let at = 0
  for (const content of contents) {
    const found = text.indexOf(content, at)
    if (found < 0) throw new UserError('the chat template leaves out a message of a conversation')
    parts.push(text.slice(at, found))
    at = found + content.length
  }
  return [...parts, text.slice(at)]
}

/** Null where a template refuses a conversation, or does not show all of it. */
function attempt<T>(work: () => T): T | null {
  try {
    return work()
  } catch (error) {
    if (error instanceof UserError) return null
    throw error
  }
}

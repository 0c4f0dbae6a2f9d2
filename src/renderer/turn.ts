import { UserError } from '../common/errors.ts'
import { opensThinking } from '../thinking/parser/opened.ts'
import { callForms } from './call-forms.ts'
import type { ChatMessage } from './messages.ts'
import type { Renderer } from './renderer.ts'
import { lostFrom, saidIn, shows } from './said.ts'

/** A conversation, and the tools that the assistant may call. */
export interface Chat {
  readonly messages: readonly ChatMessage[]
  readonly tools?: readonly unknown[] | undefined
}

/** An answer of the assistant as a model learns it. */
export interface Turn {
  /** What the model sees before it answers: the prompt that it is given when it is used. */
  readonly prompt: string
  /** What it writes, with the token that ends its turn. */
  readonly response: string
}

/**
 * The last message of a conversation, the assistant's, as a model learns it. The prompt is what the chat template renders
 * for the messages before it. The response is what the template renders for it if that is all that the message says.
 * Where the template leaves out the thinking, or does not continue the thinking that its prompt opens, the response is
 * the thinking in tags and then what the template renders without it.
 *
 * @throws UserError with the reason if something that the message says would not be learned, or if the model would not see
 * something that was said before.
 */
export function lastTurn(renderer: Renderer, { messages, tools }: Chat): Turn {
  // Thinking in the tags of a row is rendered in those of the template where that has others.
  const keepsTags =
    messages.at(-1)!.reasoning_content !== undefined || saidIn(messages.at(-1)!).thinking === ''
  let problem: UserError | null = null
  for (const render of [templateTurn, taggedTurn]) {
    problem = null
    let tagged: Turn | null = null
    for (const varied of variants(messages, render === templateTurn)) {
      try {
        const turn = render(renderer, { messages: varied, tools })
        checkTurn(renderer, turn, messages)
        if (keepsTags || render === taggedTurn || !turn.response.includes(CLOSING)) return turn
        tagged ??= turn
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        problem ??= error
      }
    }
    if (tagged !== null) return tagged
  }
  throw problem!
}

/**
 * A conversation that ends with an answer, as text: what the chat template renders or, if that leaves out something that
 * the answer says, the answer as a model learns it.
 *
 * @throws UserError as `lastTurn`.
 */
export function answeredText(renderer: Renderer, { messages, tools }: Chat): string {
  const whole = renderer.chat.render(messages, { tools })
  const prompt = renderer.chat.render(messages.slice(0, -1), { tools, addGenerationPrompt: true })
  let same = 0
  while (same < prompt.length && prompt[same] === whole[same]) same++
  if (lostFrom(whole.slice(same), saidIn(messages.at(-1)!)) === null) return whole
  const turn = lastTurn(renderer, { messages, tools })
  return turn.prompt + turn.response
}

/**
 * @throws UserError if the response lacks something that the last message says or ends twice, or if the prompt does not
 * show an earlier message.
 */
export function checkTurn(
  renderer: Renderer,
  { prompt, response }: Turn,
  messages: readonly ChatMessage[],
): void {
  const said = saidIn(messages.at(-1)!)
  const lost = lostFrom(response, said)
  if (lost !== null)
    throw new UserError(
      `the chat template leaves out the ${lost} of message ${messages.length}, so it would not be learned`,
    )
  const end = endOfTurn(renderer)
  if (end !== null && count(response, end) > 1 + count(said.thinking + said.content, end))
    throw new UserError(`the chat template renders message ${messages.length} as more than one turn`)
  if (opensThinking(prompt) && (!response.includes(CLOSING) || /^\s*<think>/.test(response)))
    throw new UserError(
      `the chat template does not continue the thinking that the prompt of message ${messages.length} opens`,
    )
  if (PRINTED_PART.test(response) && !PRINTED_PART.test(said.thinking + said.content))
    throw new UserError(`the chat template prints the content of message ${messages.length} as a list`)
  if (count(response, CLOSING) > Math.max(1, closings(messages.at(-1)!)))
    throw new UserError(`the chat template ends the thinking of message ${messages.length} twice`)
  const hidden = messages.slice(0, -1).findIndex((message) => !shows(prompt, message))
  if (hidden >= 0)
    throw new UserError(
      `the chat template leaves out message ${hidden + 1} (${messages[hidden]!.role}), so the model would not see it`,
    )
}

/** The turn as the template renders it: what it marks as generated or else what it renders after its prompt. */
function templateTurn(renderer: Renderer, chat: Chat): Turn {
  const { messages, tools } = chat
  const prompt = promptOf(renderer, chat)
  if (renderer.chat.marksGeneration) {
    const spans = renderer.chat.spans(messages, { tools })
    const last = spans.findLastIndex(({ generated }) => generated)
    const before = spans.slice(0, Math.max(0, last)).map(({ text }) => text)
    const turn = afterPrompt({ prompt: before.join(''), response: spans[last]?.text ?? '' }, prompt)
    if (endsTurn(renderer, turn.response.trimEnd())) return turn
    // The marks of some templates leave out the end of the turn.
    const through = spans.map(({ text }) => text).join('')
    return { ...turn, response: ended(renderer, turn.response, chat, through) }
  }
  const through = renderer.chat.render(messages, { tools })
  return { prompt, response: ended(renderer, following(prompt, through, messages), chat, through) }
}

/** The prompt after which the model writes the last message. */
const promptOf = ({ chat }: Renderer, { messages, tools }: Chat): string =>
  chat.render(messages.slice(0, -1), { tools, addGenerationPrompt: true })

/**
 * A turn without what its prompt has already: some templates mark the header of a message as generated, too.
 *
 * @throws UserError if the turn does not continue the prompt.
 */
export function afterPrompt(turn: Turn, prompt: string): Turn {
  const through = turn.prompt + turn.response
  if (!through.startsWith(prompt))
    throw new UserError('what the chat template marks as generated does not continue the prompt')
  return turn.prompt.length < prompt.length ? { prompt, response: through.slice(prompt.length) } : turn
}

/**
 * What a conversation has after the prompt of its last message. Some templates put a system message or tools before the
 * last message of the user if nothing follows it; then it is what comes after that message and the end of the prompt.
 *
 * @throws UserError if the rendering does not continue the prompt.
 */
function following(prompt: string, through: string, messages: readonly ChatMessage[]): string {
  if (through.startsWith(prompt)) return through.slice(prompt.length)
  const asked = messages.at(-2)?.content.trim() ?? ''
  const end = asked === '' ? '' : prompt.slice(prompt.lastIndexOf(asked))
  const at = end.startsWith(asked) && end !== '' ? through.lastIndexOf(end) : -1
  if (at >= 0) return through.slice(at + end.length)
  throw new UserError(
    `the chat template renders message ${messages.length}, the assistant's, differently if it is generated, so its tokens cannot be identified; mark what the assistant writes in the template with {% generation %}`,
  )
}

/** What a prompt may end with after the header of the assistant's message: thinking that it opens or leaves out. */
const THINKING_IN_PROMPT = /(?:<think>\s*(?:<\/think>\s*)?|<\/think>\s*)$/
/** The end of a prompt that ends the thinking, in the tags of any template. */
const ENDED_THINKING = /(?:<\/[\w:]*think[\w:]*>|\[\/THINK\])\s*$/
/** Thinking that a template writes as empty before an answer, or opens as its prompt does. */
const EMPTY_THINKING = /^(?:<think>\s*)?(?:<\/think>\s*)?/
const CLOSING = '</think>'
/** A part of a message's content, as a template prints it that expects text. */
const PRINTED_PART = /\{['"]type['"]: ['"]thinking['"]/
/** Stands for the content of an answer, so that the template cannot change it. */
const CONTENT = '\uE000content\uE000'

/** The turn with its thinking in tags: `<think>\n…\n</think>\n\n…`, of which the prompt may have the beginning. */
function taggedTurn(renderer: Renderer, { messages, tools }: Chat): Turn {
  const last = messages.at(-1)!
  const { thinking, content } = saidIn({ ...last, content: last.content ?? '' })
  const prompt = promptOf(renderer, { messages, tools })
  if (thinking.trim() !== '' && ENDED_THINKING.test(prompt))
    throw new UserError(
      `the prompt of the chat template ends the thinking, so that of message ${messages.length} would not be learned; ${adviceToThink(renderer, { messages: messages.slice(0, -1), tools })}`,
    )
  const header = prompt.replace(THINKING_IN_PROMPT, '')
  const { reasoning_content: _, ...rest } = last
  const bare = [...messages.slice(0, -1), content.trim() === '' ? rest : { ...rest, content: CONTENT }]
  const through = renderer.chat.render(bare, { tools })
  const body = ended(renderer, following(header, through, bare), { messages: bare, tools }, through)
  const space = /^\s*/.exec(body)![0]
  const answer = body
    .slice(space.length)
    .replace(EMPTY_THINKING, '')
    .replace(CONTENT, () => content.replace(/^\n+/, ''))
  const closed = `${thinking.replace(/^\n+|\s+$/g, '')}\n</think>\n\n${answer}`
  if (/<think>\s*$/.test(prompt)) return { prompt, response: closed }
  if (thinking.trim() === '') return { prompt, response: header === prompt ? space + answer : answer }
  return { prompt, response: `${space}<think>\n${closed}` }
}

/** How to get a prompt that does not end the thinking: the argument of the template for which it does not, if there is one. */
function adviceToThink({ chat }: Renderer, { messages, tools }: Chat): string {
  const settings = chat.thinkingArguments.flatMap((name) => [true, 'high'].map((value) => ({ name, value })))
  const found = settings.find(({ name, value }) => {
    try {
      const prompt = chat.render(messages, { tools, addGenerationPrompt: true, arguments: { [name]: value } })
      return !ENDED_THINKING.test(prompt)
    } catch (error) {
      if (error instanceof UserError) return false
      throw error
    }
  })
  return found === undefined
    ? 'use a template whose prompt does not'
    : `enable it by the argument of the template: chat.arguments.${found.name}=${found.value}`
}

/** A response up to the token that ends the turn; white space after it belongs to the template. */
function ended(renderer: Renderer, response: string, { messages, tools }: Chat, through: string): string {
  const end = endOfTurn(renderer)
  const at = end === null ? -1 : response.lastIndexOf(end)
  if (at >= 0) return response.slice(0, at) + end + stopsIn(renderer, response.slice(at + end!.length))
  const turn = response.trimEnd()
  if (stops(renderer, renderer.encode(turn).at(-1))) return turn
  // Some templates end a turn with the token that begins the next one, or do not end some of their turns.
  const next = tryRender(renderer, { messages: [...messages, { role: 'user', content: '?' }], tools })
  const stop = next?.startsWith(through) ? stopsIn(renderer, next.slice(through.length).trimStart()) : ''
  // A template that ends no turn leaves it to the model to end the text.
  return turn + (stop || (end ?? renderer.decode([renderer.endOfText])))
}

/** The stop tokens with which a text begins. */
function stopsIn(renderer: Renderer, text: string): string {
  const tokens = renderer.encode(text)
  const other = tokens.findIndex((token) => !stops(renderer, token))
  return renderer.decode(tokens.subarray(0, other < 0 ? undefined : other))
}

/** Whether a response ends with a token at which sampling stops. */
export const endsTurn = (renderer: Renderer, response: string): boolean =>
  renderer.stopTokens.some((token) => response.endsWith(renderer.decode([token])))

/** A conversation as the template renders it; null if it refuses it. */
export function tryRender({ chat }: Renderer, { messages, tools }: Chat): string | null {
  try {
    return chat.render(messages, { tools })
  } catch (error) {
    if (error instanceof UserError) return null
    throw error
  }
}

const stops = ({ stopTokens }: Renderer, token: number | undefined): boolean =>
  token !== undefined && stopTokens.includes(token)

/** The token that ends a turn, as text. */
const endOfTurn = (renderer: Renderer): string | null =>
  renderer.endOfTurn === null ? null : renderer.decode([renderer.endOfTurn])

/** How often a message ends its thinking. */
const closings = ({ content, reasoning_content }: ChatMessage): number =>
  count(content, CLOSING) + (reasoning_content === undefined ? 0 : 1 + count(reasoning_content, CLOSING))

const count = (text: string, part: string): number => text.split(part).length - 1

/**
 * The messages in the forms in which a template may expect them: the thinking of the last one in a field of its own, under
 * another name, or as a part of the content; no content beside tool calls; the arguments of a tool call as text.
 */
function* variants(given: readonly ChatMessage[], withThinking: boolean): Generator<readonly ChatMessage[]> {
  const last = given.at(-1)!
  const { thinking, content } = saidIn(last)
  const apart = {
    content: content.replace(/^\n+/, ''),
    reasoning_content: thinking.replace(/^\n+|\n+$/g, ''),
  }
  const split = last.reasoning_content === undefined ? { ...last, ...apart } : last
  const lasts =
    withThinking && thinking !== '' ? [...new Set([last, split]), renamed(split), inParts(split)] : [last]
  const forms = lasts.map((one) => [...given.slice(0, -1), one])
  for (const messages of forms) yield* callForms(messages)
}

/** A message with its thinking in the field `reasoning`. */
const renamed = ({
  reasoning_content: reasoning,
  ...message
}: ChatMessage): ChatMessage & { reasoning?: string } => ({
  ...message,
  ...(reasoning === undefined ? {} : { reasoning }),
})

/** A message with its thinking as a part of the content, as Mistral's templates read it. */
function inParts({ reasoning_content: thinking, content, ...message }: ChatMessage): ChatMessage {
  const parts = [{ type: 'thinking', thinking }, ...(content === '' ? [] : [{ type: 'text', text: content }])]
  return { ...message, content: parts as unknown as string }
}

import { UserError } from '../../common/errors.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import { lastTurn } from '../../renderer/turn.ts'
import type { Message, TextRequest } from '../../thinking/model.ts'
import { opensThinking } from '../../thinking/opened.ts'
import { CALL_FORMATS, type CallFormat, functionOf } from './tool-calls.ts'

/** What a model's template can be told. */
export interface Dialect {
  /** Does the model think? */
  readonly thinks: boolean
  /** The name of the argument that turns thinking on and off; null if there is none. */
  readonly thinkingSwitch: string | null
  /** How calls of tools are written; null if the template has no place for tools, or writes calls in an unknown form. */
  readonly calls: CallFormat | null
}

const QUESTION: Message = { role: 'user', content: 'What is the time in Paris?' }
const PROBE = 'probe_tool'
const TOOL = {
  type: 'function',
  function: {
    name: PROBE,
    description: 'Probes.',
    parameters: {
      type: 'object',
      properties: { probe_key: { type: 'string', description: 'A key.' } },
      required: ['probe_key'],
    },
  },
}
const CALL: Message = {
  role: 'assistant',
  content: '',
  tool_calls: [
    { id: 'call00001', type: 'function', function: { name: PROBE, arguments: { probe_key: 'probe value' } } },
  ],
}

/** Finds out what a template can be told by rendering conversations with it. */
export function dialectOf(renderer: Renderer): Dialect {
  if (renderer.template === 'r1-zero') return { thinks: true, thinkingSwitch: null, calls: null }
  const name = thinkingSwitch(renderer)
  return { thinks: name !== null || thinks(renderer), thinkingSwitch: name, calls: callFormat(renderer) }
}

/** Does the template open the thinking, or show it? Or has the model a token of its own for its beginning? */
function thinks(renderer: Renderer): boolean {
  const prompt = ifRendered(() => renderer.chatPrompt([QUESTION]).text) ?? ''
  const thought: Message = { role: 'assistant', content: 'Noon.', reasoning_content: 'probe thinking' }
  const shown = ifRendered(() => renderer.chat.render([QUESTION, thought])) ?? ''
  return opensThinking(prompt) || shown.includes('probe thinking') || renderer.encode('<think>').length === 1
}

/** Names of arguments that turn thinking on and off: `enable_thinking`, `thinking`, `think`, `reasoning`, … */
const SWITCH = /^(?:enable_|use_|with_|is_)?(?:thinking|think|reasoning)(?:_enabled|_mode)?$/

function thinkingSwitch(renderer: Renderer): string | null {
  const prompt = (name: string, value: boolean): string | null =>
    ifRendered(() => renderer.chatPrompt([QUESTION], { arguments: { [name]: value } }).text)
  const names = [...renderer.chat.argumentNames].filter((name) => SWITCH.test(name))
  return (
    names.find((name) => {
      const [on, off] = [prompt(name, true), prompt(name, false)]
      return on !== null && off !== null && on !== off
    }) ?? null
  )
}

/**
 * The form in which the template writes calls: the one that reads the call of a rendered conversation or else, for a
 * template that does not render calls, the one whose beginning the prompt explains.
 */
function callFormat(renderer: Renderer): CallFormat | null {
  const prompt = ifRendered(() => renderer.chatPrompt([QUESTION], { tools: [TOOL] }).text)
  if (prompt === null || !prompt.includes(PROBE)) return null
  const written = ifRendered(() => writtenBy(renderer, [QUESTION, CALL])) ?? ''
  const reads = ({ start, end, read }: CallFormat): boolean => {
    const from = start === null ? 0 : written.indexOf(start)
    if (from < 0) return false
    const body = written.slice(from + (start?.length ?? 0))
    const calls = read((end === null ? body : body.split(end)[0]!).trim(), [TOOL])
    return calls?.length === 1 && calls[0]!.name === PROBE && calls[0]!.arguments.probe_key === 'probe value'
  }
  return (
    CALL_FORMATS.find(reads) ??
    CALL_FORMATS.find(({ start }) => start !== null && prompt.includes(start)) ??
    null
  )
}

/** What a model writes for the last message of a conversation with the tool, without the token that ends it. */
const writtenBy = (renderer: Renderer, messages: readonly Message[]): string =>
  renderer.response(renderer.encode(lastTurn(renderer, { messages, tools: [TOOL] }).response))

/** The prompt of a request as text, and as tokens. @throws UserError for one that the model cannot be asked. */
export function promptOf(
  renderer: Renderer,
  dialect: Dialect,
  request: TextRequest,
): { text: string; tokens: Int32Array } {
  const { messages, prompt, tools = [], thinking, templateArguments = {} } = request
  if (prompt !== undefined) return rawPrompt(renderer, request, prompt)
  const last = messages.at(-1)
  if (last === undefined) throw new UserError('the conversation has no messages')
  if (last.role === 'assistant')
    throw new UserError(
      "the last message is the assistant's: end with the user's, and give the beginning of a response as its prefix",
    )
  if (tools.length > 0 && dialect.calls === null)
    throw new UserError(
      renderer.template === 'r1-zero'
        ? 'the template r1-zero has no place for tools: leave them out'
        : 'the chat template of the model has no place for tools, or writes calls in an unknown form: leave the tools out, or use another model',
    )
  renderer.checkArguments(templateArguments)
  // R1-Zero's template has one place, for the question and what a system message says
  const asked =
    renderer.template === 'r1-zero'
      ? [...messages.slice(0, -1).filter(({ role }) => role === 'system'), last]
      : messages
  const rendered = renderer.prompt(
    { prompt: last.content, messages: asked },
    {
      ...(tools.length > 0 ? { tools } : {}),
      arguments: { ...switched(dialect, thinking), ...templateArguments },
    },
  )
  const missing = tools
    .map((tool) => functionOf(tool)?.name)
    .find((name) => !rendered.text.includes(`${name}`))
  if (missing !== undefined) throw new UserError(`the chat template leaves out the tool ${missing}`)
  return rendered
}

function rawPrompt(renderer: Renderer, { tools = [] }: TextRequest, text: string) {
  if (tools.length > 0)
    throw new UserError('tools need messages, not a prompt that is continued as it stands')
  const tokens = renderer.encodeText(text)
  if (tokens.length === 0) throw new UserError('the prompt is empty')
  return { text, tokens }
}

function switched(
  { thinkingSwitch }: Dialect,
  thinking: boolean | null | undefined,
): Record<string, boolean> {
  if (typeof thinking !== 'boolean') return {}
  if (thinkingSwitch !== null) return { [thinkingSwitch]: thinking }
  if (thinking) return {} // thinks, if it can, without being told
  throw new UserError(
    'the template of the model has no argument that turns thinking off; a budget of 0 tokens ends it at once',
  )
}

/** A rendering; null where the template refuses it. */
function ifRendered(render: () => string): string | null {
  try {
    return render()
  } catch (error) {
    if (error instanceof UserError) return null
    throw error
  }
}

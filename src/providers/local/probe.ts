import { UserError } from '../../common/errors.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import { lastTurn } from '../../renderer/turn.ts'
import type { Message, ThinkingFormat } from '../../thinking/model.ts'
import { detectFormat } from '../../thinking/parser/detect.ts'
import { FORMATS } from '../../thinking/parser/formats.ts'
import { opensThinking } from '../../thinking/parser/opened.ts'
import { isR1Zero } from '../../thinking/r1/graded.ts'
import { CALL_FORMATS, type CallFormat } from './tool-calls.ts'

/** What a model's template can be told, and how the model writes. */
export interface Traits {
  readonly format: ThinkingFormat
  /** Does the model think? */
  readonly thinks: boolean
  /** The name of the argument that turns thinking on and off; null if there is none. */
  readonly thinkingSwitch: string | null
  /** How calls of tools are written; null if the template has no place for tools, or writes calls in an unknown form. */
  readonly calls: CallFormat | null
}

const QUESTION: Message = { role: 'user', content: 'What is the time in Paris?' }
const THOUGHT: Message = { role: 'assistant', content: 'Noon.', reasoning_content: 'probe thinking' }
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
export function traitsOf(renderer: Renderer): Traits {
  if (renderer.template === 'r1-zero')
    return { format: FORMATS['r1-zero'], thinks: true, thinkingSwitch: null, calls: null }
  const thinkingSwitch = switchOf(renderer)
  const prompt = promptWith(renderer, thinkingSwitch === null ? {} : { [thinkingSwitch]: true }) ?? ''
  const turn = ifRendered(() => lastTurn(renderer, { messages: [QUESTION, THOUGHT] }).response) ?? ''
  const rendered = ifRendered(() => renderer.chat.render([QUESTION, THOUGHT])) ?? ''
  const format = formatOf(renderer, prompt, turn)
  return {
    format,
    // its template opens the thinking, or shows it, or the model has a token for its beginning
    thinks:
      thinkingSwitch !== null ||
      opensThinking(prompt) ||
      rendered.includes(THOUGHT.reasoning_content!) ||
      renderer.encode(format.thinking.start).length === 1,
    thinkingSwitch,
    calls: callFormat(renderer),
  }
}

/**
 * How a model writes its thinking: as its template does, in a prompt or in an answer, or with a delimiter that is a token of
 * its own; and else in `<think>` tags. R1's template may explain R1-Zero's answer, which its model does not write.
 */
function formatOf(renderer: Renderer, prompt: string, turn: string): ThinkingFormat {
  const delimiters = Object.values<ThinkingFormat>(FORMATS).flatMap(({ thinking, header }) => [
    thinking.start,
    thinking.end,
    ...(header?.starts ?? []),
  ])
  const tokens = delimiters.filter((delimiter) => renderer.encode(delimiter).length === 1)
  const found = detectFormat({ template: `${prompt}\n${turn}`, tokens })
  return found === null || isR1Zero(found) ? FORMATS.deepseek : found
}

/** Names of arguments that turn thinking on and off: `enable_thinking`, `thinking`, `think`, `reasoning`, … */
const SWITCH = /^(?:enable_|use_|with_|is_)?(?:thinking|think|reasoning)(?:_enabled|_mode)?$/

function switchOf(renderer: Renderer): string | null {
  const names = [...renderer.chat.argumentNames].filter((name) => SWITCH.test(name))
  return (
    names.find((name) => {
      const [on, off] = [true, false].map((value) => promptWith(renderer, { [name]: value }))
      return on !== null && off !== null && on !== off
    }) ?? null
  )
}

const promptWith = (renderer: Renderer, values: Record<string, unknown>): string | null =>
  ifRendered(() => renderer.chatPrompt([QUESTION], { arguments: values }).text)

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
    const rest = written.slice(from + (start?.length ?? 0))
    // what follows the last brace ends the turn
    const body =
      end === null
        ? rest.slice(0, Math.max(rest.lastIndexOf('}'), rest.lastIndexOf(']')) + 1)
        : rest.split(end)[0]!
    const calls = read(body.trim(), [TOOL])
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

/** A rendering; null where the template refuses it. */
function ifRendered(render: () => string): string | null {
  try {
    return render()
  } catch (error) {
    if (error instanceof UserError) return null
    throw error
  }
}

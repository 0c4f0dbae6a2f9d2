import { UserError } from '../../common/errors.ts'
import type { Prompt, Renderer } from '../../renderer/renderer.ts'
import type { TextRequest, ThinkingFormat } from '../../thinking/model.ts'
import type { Traits } from './probe.ts'
import { functionOf } from './tool-calls.ts'

/** What a request asks a model to continue. */
export interface Asked {
  /** Prompt and prefix. */
  readonly tokens: Int32Array
  /** The prompt without the prefix. */
  readonly text: string
  /** The beginning of the response. */
  readonly prefix: string
  /** Does the prompt end inside the thinking? */
  readonly opened: boolean
}

/** The tokens of a request. @throws UserError for one that the model cannot be asked. */
export function askedBy(renderer: Renderer, traits: Traits, request: Omit<TextRequest, 'seed'>): Asked {
  const { text, tokens } =
    request.prompt === undefined ? chatPrompt(renderer, traits, request) : rawPrompt(renderer, request)
  const opened = text.trimEnd().endsWith(traits.format.thinking.start)
  const prefix = prefixTokens(
    renderer,
    withoutOpening(request.prefix ?? [], text, opened ? traits.format : null),
  )
  return { tokens: Int32Array.of(...tokens, ...prefix), text, prefix: renderer.decode(prefix), opened }
}

function chatPrompt(
  renderer: Renderer,
  traits: Traits,
  { messages, tools = [], thinking, effort, templateArguments = {} }: Omit<TextRequest, 'seed'>,
): Prompt {
  const last = messages.at(-1)
  if (last === undefined) throw new UserError('the conversation has no messages')
  if (last.role === 'assistant')
    throw new UserError(
      "the last message is the assistant's: end with the user's, and give the beginning of a response as its prefix",
    )
  if (tools.length > 0 && traits.calls === null)
    throw new UserError(
      renderer.template === 'r1-zero'
        ? 'the template r1-zero has no place for tools: leave them out'
        : 'the chat template of the model has no place for tools, or writes calls in an unknown form: leave the tools out, or use another model',
    )
  renderer.checkArguments(templateArguments)
  // R1-Zero's template has one place, for the question and what a system message says
  const shown =
    renderer.template === 'r1-zero'
      ? [...messages.slice(0, -1).filter(({ role }) => role === 'system'), last]
      : messages
  const values = {
    ...switched(traits, thinking ?? (effort === 'none' ? false : null)),
    ...effortOf(renderer, effort),
  }
  const rendered = renderer.prompt(
    { prompt: last.content, messages: shown },
    { ...(tools.length > 0 ? { tools } : {}), arguments: { ...values, ...templateArguments } },
  )
  const missing = tools
    .map((tool) => `${functionOf(tool)?.name}`)
    .find((name) => !rendered.text.includes(name))
  if (missing !== undefined) throw new UserError(`the chat template leaves out the tool ${missing}`)
  return rendered
}

function rawPrompt(
  renderer: Renderer,
  { prompt = '', tools = [] }: Omit<TextRequest, 'seed'>,
): Pick<Prompt, 'text' | 'tokens'> {
  if (tools.length > 0)
    throw new UserError('tools need messages, not a prompt that is continued as it stands')
  const tokens = renderer.encodeText(prompt)
  if (tokens.length === 0) throw new UserError('the prompt is empty')
  return { text: prompt, tokens }
}

function switched({ thinkingSwitch }: Traits, thinking: boolean | null): Record<string, boolean> {
  if (thinking === null) return {}
  if (thinkingSwitch !== null) return { [thinkingSwitch]: thinking }
  if (thinking) return {} // thinks, if it can, without being told
  throw new UserError(
    'the template of the model has no argument that turns thinking off; a budget of 0 tokens ends it at once',
  )
}

function effortOf(renderer: Renderer, effort: string | null | undefined): Record<string, string> {
  if (effort == null || effort === 'none') return {}
  if (renderer.hasArgument('reasoning_effort')) return { reasoning_effort: effort }
  throw new UserError(
    'the template of the model has no argument for an effort of thinking; give it a budget of thinking tokens instead',
  )
}

/**
 * The beginning of a response without the delimiter with which the prompt, of another format than null, has opened the
 * thinking already, and without white space that the prompt has after it.
 */
function withoutOpening(
  pieces: readonly (string | Int32Array)[],
  prompt: string,
  format: ThinkingFormat | null,
): readonly (string | Int32Array)[] {
  const [first, ...others] = pieces
  if (format === null || typeof first !== 'string') return pieces
  const begun = first.trimStart()
  if (!begun.startsWith(format.thinking.start)) return pieces
  const opening = prompt.slice(prompt.lastIndexOf(format.thinking.start))
  let same = format.thinking.start.length
  while (same < Math.min(begun.length, opening.length) && begun[same] === opening[same]) same++
  return [begun.slice(same), ...others]
}

/** The beginning of a response as tokens: those that are given, and those of text. */
function prefixTokens(renderer: Renderer, pieces: readonly (string | Int32Array)[]): Int32Array {
  return Int32Array.from(
    pieces.flatMap((piece) => [...(typeof piece === 'string' ? renderer.encodeNext(piece) : piece)]),
  )
}

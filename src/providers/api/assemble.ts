import { TransientError } from '../../common/retry.ts'
import type {
  TextEnd,
  TextEvent,
  TextRequest,
  TextUsage,
  ThinkingFormat,
  TokenLogprob,
  ToolCall,
} from '../../thinking/model.ts'
import { opensThinking } from '../../thinking/opened.ts'
import type { CallPart, FinishPart, Piece, TextPart } from './pieces.ts'
import { beginningOf, prefixText } from './requests.ts'
import { type TagPart, Tags } from './tags.ts'

/** Makes the events of one response from the pieces of a provider. */
export class Assembly {
  readonly #delimiters: ThinkingFormat['thinking']
  readonly #whole: boolean
  /** Did the prefix end its thinking? Then all that follows is the answer, whatever the provider takes it for. */
  readonly #answering: boolean
  readonly #opened: boolean
  readonly #tags: Tags
  /** Thinking that the provider separated. */
  #thinking = ''
  #content = ''
  /** Content that may repeat the thinking that the provider separated; null once it is known. */
  #held: string | null = ''
  #logprobs: TokenLogprob[] = []
  readonly #calls = new Map<number | string, { id: string; name: string; arguments: unknown }>()
  #usage: TextUsage = { promptTokens: null, cachedTokens: null, completionTokens: null, thinkingTokens: null }
  #finish: FinishPart | null = null

  constructor(request: TextRequest, { thinking }: ThinkingFormat) {
    const prefix = prefixText(request.prefix)
    const beginning = beginningOf(prefix, thinking)
    this.#delimiters = thinking
    this.#whole = request.whole === true
    this.#opened = prefix === '' ? opensThinking(request.prompt ?? '') : beginning.open
    this.#answering = prefix !== '' && !beginning.open && beginning.thinking !== null
    this.#tags = new Tags(thinking, this.#opened)
  }

  /** Did the provider say that the response is complete? */
  get finished(): boolean {
    return this.#finish !== null && this.#finish.reason !== 'failed'
  }

  take(piece: Piece): TextEvent[] {
    switch (piece.kind) {
      case 'thinking':
      case 'content':
        this.#logprobs.push(...(piece.logprobs ?? []))
        return this.#events(piece.kind === 'thinking' ? this.#separated(piece) : this.#read(piece))
      case 'call':
        this.#call(piece)
        return []
      case 'usage':
        this.#usage = { ...this.#usage, ...known(piece.usage) }
        return []
      case 'finish':
        this.#finish = piece
        return []
    }
  }

  /** @throws TransientError if the response is not complete, or holds a call that cannot be read. */
  end(): TextEvent[] {
    if (this.#finish === null) throw new TransientError('the reply was cut off before its end')
    if (this.#finish.reason === 'failed')
      throw new TransientError(`the reply ended with the reason ${JSON.stringify(this.#finish.word)}`)
    const events = this.#events(this.#rest())
    const calls = [...this.#calls.values()].map(toolCall)
    const reason: TextEnd['reason'] =
      calls.length > 0 && this.#finish.reason === 'stop' ? 'tool_calls' : this.#finish.reason
    const text = this.#thinking === '' ? this.#content : null
    return [...events, ...calls, { type: 'end', reason, usage: this.#usage, text, tokens: null }]
  }

  #separated({ text }: TextPart): TagPart[] {
    if (this.#answering) return [{ type: 'answer', text }]
    this.#thinking += text
    return [{ type: 'thinking', text }]
  }

  #read({ text }: TextPart): TagPart[] {
    this.#content += text
    if (this.#answering) return [{ type: 'answer', text }]
    if (this.#thinking !== '') return this.#afterSeparated(text)
    // Whether thinking comes without its opening tag is known at the end only.
    return this.#whole ? [] : this.#tags.push(text)
  }

  /**
   * Content of a provider that separated the thinking is the answer as it stands. But some repeat the thinking between tags at
   * the beginning of the content.
   */
  #afterSeparated(text: string): TagPart[] {
    if (this.#held === null) return [{ type: 'answer', text }]
    this.#held += text
    const { start, end } = this.#delimiters
    const begun = this.#held.trimStart()
    if (start.startsWith(begun.slice(0, start.length)) && !begun.includes(end)) return []
    return this.#release()
  }

  #release(): TagPart[] {
    const held = this.#held ?? ''
    this.#held = null
    const { start } = this.#delimiters
    const { thinking, answer } = held.trimStart().startsWith(start)
      ? beginningOf(held, this.#delimiters)
      : { thinking: null, answer: held }
    const repeated = thinking === null || this.#thinking.trim().startsWith(thinking.trim())
    if (!repeated) this.#thinking += thinking
    const parts: TagPart[] = repeated ? [] : [{ type: 'thinking', text: thinking }]
    return answer === '' ? parts : [...parts, { type: 'answer', text: answer }]
  }

  #rest(): TagPart[] {
    if (this.#answering) return []
    if (this.#thinking !== '') return this.#held === null ? [] : this.#release()
    if (!this.#whole) return this.#tags.end()
    const opening = this.#opened ? this.#delimiters.start : ''
    const { thinking, answer } = beginningOf(opening + this.#content, this.#delimiters)
    return [
      ...(thinking === null ? [] : [{ type: 'thinking' as const, text: thinking }]),
      ...(answer === '' ? [] : [{ type: 'answer' as const, text: answer }]),
    ]
  }

  /** Log-probabilities go with the first text that is given after them. */
  #events(parts: TagPart[]): TextEvent[] {
    return parts.map(({ type, text }) => {
      const logprobs = this.#logprobs
      this.#logprobs = []
      return logprobs.length > 0
        ? { type, text, tokens: logprobs.length, logprobs }
        : { type, text, tokens: null }
    })
  }

  #call({ call, id, name, arguments: part }: CallPart): void {
    const same = this.#calls.get(call)
    // Some servers give every call the same index.
    const another = same && ((id && same.id && id !== same.id) || (!id && name && same.name))
    const key = another ? (id ?? `${call}:${this.#calls.size}`) : call
    const known = this.#calls.get(key) ?? { id: '', name: '', arguments: '' }
    this.#calls.set(key, {
      id: id ?? known.id,
      name: name ?? known.name,
      arguments:
        typeof part === 'string' && typeof known.arguments === 'string'
          ? known.arguments + part
          : (part ?? known.arguments),
    })
  }
}

function toolCall(
  { id, name, arguments: given }: { id: string; name: string; arguments: unknown },
  position: number,
): ToolCall {
  const value = typeof given === 'string' ? objectIn(given, name) : (given as ToolCall['arguments'])
  return { type: 'tool_call', id: id || `call_${position}`, name, arguments: value }
}

/** The arguments in a text; a tool without arguments may be called with an empty one. */
function objectIn(text: string, tool: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text.trim() === '' ? '{}' : text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
  } catch {}
  throw new TransientError(`the reply calls the tool ${tool} with arguments that are not a JSON object`)
}

/** The counts that are not null. */
const known = (usage: Partial<TextUsage>): Partial<TextUsage> =>
  Object.fromEntries(Object.entries(usage).filter(([, count]) => count != null))

import { isRecord, parseJson } from '../../common/json.ts'
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
import { opensThinking } from '../../thinking/parser/opened.ts'
import { type Piece as Part, ThinkingParser } from '../../thinking/parser/parser.ts'
import { StopStrings } from '../local/stop-strings.ts'
import type { CallPart, FinishPart, Piece, TextPart } from './dialects/dialect.ts'
import { beginningOf, prefixText } from './dialects/requests.ts'
import { excerpt } from './failures.ts'

/** Makes the events of one response from the pieces of a provider. */
export class Assembly {
  readonly #delimiters: ThinkingFormat['thinking']
  /** Did the prefix end its thinking? Then nothing that follows is thinking, even if the provider takes it for that. */
  readonly #answering: boolean
  readonly #parser: ThinkingParser
  /** What a whole reply may begin with, because the server repeats the prefix. */
  readonly #repeated: { readonly thinking: readonly string[]; readonly content: readonly string[] }
  /** Thinking that the provider separated. */
  #thinking = ''
  #content = ''
  /** Content that may repeat the thinking that the provider separated; null once it is known. */
  #held: string | null = ''
  /** Ends the content before a stop string, also where the provider goes on. */
  readonly #stop: StopStrings
  #logprobs: TokenLogprob[] = []
  readonly #calls = new Map<number | string, { id: string; name: string; arguments: unknown }>()
  #usage: TextUsage = { promptTokens: null, cachedTokens: null, completionTokens: null, thinkingTokens: null }
  #finish: FinishPart | null = null

  /**
   * @param opens May the provider's template begin the thinking? It is then unknown up to the first delimiter whether text
   * is thinking, and the text is withheld until then.
   */
  constructor(request: TextRequest, format: ThinkingFormat, opens: boolean) {
    const prefix = prefixText(request.prefix)
    const beginning = beginningOf(prefix, format.thinking)
    this.#delimiters = format.thinking
    this.#stop = new StopStrings(request.stop ?? [])
    this.#repeated = { thinking: [beginning.thinking ?? ''], content: [prefix, beginning.answer] }
    this.#answering = prefix !== '' && !beginning.open && beginning.thinking !== null
    const opened = beginning.open || (prefix === '' && opensThinking(request.prompt ?? ''))
    const unknown = opens && prefix === '' && request.prompt === undefined
    this.#parser = new ThinkingParser({ format, opened: opened || (unknown && 'auto') })
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
        return this.#events(this.#parts(piece))
      case 'call':
        this.#call(piece)
        return []
      case 'usage':
        this.#usage = { ...this.#usage, ...known(piece.usage) }
        return []
      case 'finish':
        this.#finish = piece
        return []
      case 'last':
        return []
    }
  }

  /** @throws TransientError if the response is not complete, or holds a call that cannot be read. */
  end(): TextEvent[] {
    if (this.#finish === null) throw new TransientError('the reply was cut off before its end')
    if (this.#finish.reason === 'failed')
      throw new TransientError(
        `the reply ended with the reason ${JSON.stringify(excerpt(this.#finish.word))}`,
      )
    const events = this.#events(this.#rest())
    const calls = [...this.#calls.values()].map(toolCall)
    const stopped = this.#stop.found
    const given = stopped === null ? this.#finish.reason : 'stop'
    const reason: TextEnd['reason'] = calls.length > 0 && given === 'stop' ? 'tool_calls' : given
    const text = this.#thinking === '' ? this.#content : null
    return [
      ...events,
      ...calls,
      {
        type: 'end',
        reason,
        stop: stopped ?? this.#finish.stop ?? null,
        usage: this.#usage,
        text,
        tokens: null,
      },
    ]
  }

  #parts({ kind, text, whole }: TextPart): Part[] {
    const fresh = whole ? withoutRepeated(text, this.#repeated[kind]) : text
    if (fresh === '') return []
    return kind === 'thinking' ? this.#separated(fresh) : this.#read(fresh)
  }

  #separated(text: string): Part[] {
    if (this.#answering) return [{ type: 'answer', text }]
    const before = this.#thinking === '' ? this.#beforeSeparated() : []
    this.#thinking += text
    return [...before, { type: 'thinking', text }]
  }

  /** What the parser withholds of the content, where thinking follows that the provider separated. */
  #beforeSeparated(): Part[] {
    if (this.#content.trim() !== '') this.#held = null
    return this.#parser.end()
  }

  #read(fresh: string): Part[] {
    const text = this.#stop.push(fresh)
    this.#content += text
    return this.#thinking === '' ? this.#parser.push(text) : this.#afterSeparated(text)
  }

  /**
   * Content of a provider that separated the thinking is the answer as it stands. But some repeat the thinking between tags at
   * the beginning of the content, or leave its last tag on a line there.
   */
  #afterSeparated(text: string): Part[] {
    if (this.#held === null) return [{ type: 'answer', text }]
    this.#held += text
    const { start, end } = this.#delimiters
    const begun = this.#held.trimStart()
    const mayRepeat = start.startsWith(begun.slice(0, start.length)) && !begun.includes(end)
    const mayEnd = end.startsWith(begun.slice(0, end.length)) && !/\S|\n/.test(begun.slice(end.length))
    if (mayRepeat || mayEnd) return []
    return this.#release()
  }

  #release(): Part[] {
    const held = this.#held ?? ''
    this.#held = null
    const { start, end } = this.#delimiters
    const begun = held.trimStart()
    const left = begun.startsWith(end) && /^\s*(?:\n|$)/.test(begun.slice(end.length))
    const { thinking, answer } =
      left || begun.startsWith(start)
        ? beginningOf(begun, this.#delimiters)
        : { thinking: null, answer: held }
    const repeated = thinking === null || this.#thinking.trim().startsWith(thinking.trim())
    if (!repeated) this.#thinking += thinking
    const parts: Part[] = repeated ? [] : [{ type: 'thinking', text: thinking }]
    return answer === '' ? parts : [...parts, { type: 'answer', text: answer }]
  }

  #rest(): Part[] {
    const rest = this.#stop.at === null ? this.#stop.end() : ''
    this.#content += rest
    if (this.#thinking === '') return [...this.#parser.push(rest), ...this.#parser.end()]
    const parts = rest === '' ? [] : this.#afterSeparated(rest)
    return this.#held === null ? parts : [...parts, ...this.#release()]
  }

  /** Log-probabilities go with the first text that is given after them. */
  #events(parts: Part[]): TextEvent[] {
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

/** A text without the first of these beginnings that it has. */
function withoutRepeated(text: string, beginnings: readonly string[]): string {
  const begun = text.trimStart()
  const repeated = beginnings.map((each) => each.trim()).find((each) => each !== '' && begun.startsWith(each))
  if (repeated === undefined) return text
  const fresh = begun.slice(repeated.length)
  return fresh.trim() === '' ? '' : fresh
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
  const value = text.trim() === '' ? {} : parseJson(text)
  if (isRecord(value)) return value
  throw new TransientError(
    `the reply calls the tool ${excerpt(tool)} with arguments that are not a JSON object`,
  )
}

/** The counts that are not null. */
const known = (usage: Partial<TextUsage>): Partial<TextUsage> =>
  Object.fromEntries(Object.entries(usage).filter(([, count]) => count != null))

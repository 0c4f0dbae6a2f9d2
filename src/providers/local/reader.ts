import { Random } from '../../common/random.ts'
import type { SampledSequence, TokenDetail } from '../../engines/contract.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import type { TextEnd, TextEvent, ThinkingFormat, TokenLogprob } from '../../thinking/model.ts'
import { type Piece, ThinkingParser } from '../../thinking/parser/parser.ts'
import { StopStrings } from './stop-strings.ts'
import { type CallFormat, CallReader } from './tool-calls.ts'

interface Reading {
  readonly renderer: Renderer
  readonly format: ThinkingFormat
  /** Does the prompt end inside the thinking? */
  readonly opened: boolean
  /** The beginning of the response, which is not reported. */
  readonly prefix: string
  readonly stop: readonly string[]
  readonly tools: { readonly format: CallFormat; readonly definitions: readonly unknown[] } | null
  /** Names the response: calls of tools get their identifiers from it. */
  readonly stream: readonly (string | number)[]
}

/** Turns the tokens of a response, as they come, into events. */
export class ResponseReader {
  readonly #reading: Reading
  readonly #decoder: ReturnType<Renderer['stream']>
  readonly #stop: StopStrings
  readonly #parser: ThinkingParser
  readonly #calls: CallReader | null
  readonly #tokens: number[] = []
  /** Length of the text after each token. */
  readonly #lengths: number[] = []
  #text = ''
  #thinkingTokens = 0
  #answered = false
  #called = 0
  /** Tokens, and what is known about them, that no event has reported. */
  #unreported = 0
  #logprobs: TokenLogprob[] = []

  constructor(reading: Reading) {
    const { renderer, format, opened, prefix, stop, tools } = reading
    this.#reading = reading
    this.#decoder = renderer.stream()
    this.#stop = new StopStrings(stop)
    this.#parser = new ThinkingParser({ format, opened })
    this.#parser.push(prefix)
    this.#calls = tools && new CallReader(tools.format, tools.definitions)
  }

  push(token: number, detail?: TokenDetail): TextEvent[] {
    const { type } = this.#parser
    this.#tokens.push(token)
    this.#unreported++
    if (detail !== undefined) this.#logprobs.push(this.#named(token, detail))
    const events = this.#take(this.#decoder.push(token))
    this.#lengths.push(this.#decoded)
    // the tokens of a delimiter belong to the thinking, also those that came before it was complete
    if (this.#parser.type === 'thinking' && !this.#answered) this.#thinkingTokens = this.#tokens.length
    else if (this.#parser.type === 'thinking' || type === 'thinking') this.#thinkingTokens++
    return events
  }

  /** The last events of a response. */
  end(
    {
      stopReason,
      cachedTokens = null,
    }: Pick<SampledSequence, 'stopReason'> & { cachedTokens?: number | null | undefined },
    promptTokens: number,
  ): TextEvent[] {
    const events = this.#take(this.#decoder.end())
    if (this.#stop.at === null) events.push(...this.#split(this.#stop.end()))
    events.push(...this.#parser.end().flatMap((piece) => this.#report(piece)))
    for (const part of this.#calls?.end() ?? []) events.push(...this.#part(part))
    const end: TextEnd = {
      type: 'end',
      reason: this.#called > 0 && stopReason === 'stop' ? 'tool_calls' : stopReason,
      stop: this.#stop.found,
      usage: {
        promptTokens,
        cachedTokens,
        completionTokens: this.#tokens.length,
        thinkingTokens: this.#thinkingTokens,
      },
      text: this.#text,
      tokens: this.#kept(),
    }
    return [...events, end]
  }

  /** Length of the text that was decoded, a stop string and what follows it included. */
  #decoded = 0

  #take(decoded: string): TextEvent[] {
    this.#decoded += decoded.length
    return this.#split(this.#stop.push(decoded))
  }

  #split(text: string): TextEvent[] {
    this.#text += text
    return this.#parser.push(text).flatMap((piece) => this.#report(piece))
  }

  #report(piece: Piece): TextEvent[] {
    if (piece.type === 'thinking' || this.#calls === null) return [this.#event(piece)]
    return this.#calls.push(piece.text).flatMap((part) => this.#part(part))
  }

  #part(part: ReturnType<CallReader['push']>[number]): TextEvent[] {
    if ('text' in part) return [this.#event({ type: 'answer', text: part.text })]
    const id = identifier([...this.#reading.stream, this.#called++])
    return [{ type: 'tool_call', id, ...part.call }]
  }

  #event({ type, text }: Piece): TextEvent {
    this.#answered ||= type === 'answer'
    const [tokens, logprobs] = [this.#unreported, this.#logprobs]
    this.#unreported = 0
    this.#logprobs = []
    return { type, text, tokens, ...(logprobs.length > 0 ? { logprobs } : {}) }
  }

  /** The tokens before the one that ended the response; null if a stop string begins inside a token. */
  #kept(): Int32Array | null {
    const { at } = this.#stop
    if (at !== null) {
      const count = at === 0 ? 0 : 1 + this.#lengths.indexOf(at)
      return count > 0 || at === 0 ? Int32Array.from(this.#tokens.slice(0, count)) : null
    }
    const ended = this.#reading.renderer.stopTokens.includes(this.#tokens.at(-1) ?? -1)
    return Int32Array.from(ended ? this.#tokens.slice(0, -1) : this.#tokens)
  }

  #named(token: number, { logprob, top }: TokenDetail): TokenLogprob {
    const { renderer } = this.#reading
    return {
      token: renderer.decode([token]),
      logprob,
      top: top.map((one) => ({ token: renderer.decode([one.token]), logprob: one.logprob })),
    }
  }
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Nine letters and digits, the form that every template accepts. */
function identifier(stream: readonly (string | number)[]): string {
  const random = new Random('tool call', ...stream)
  return Array.from({ length: 9 }, () => LETTERS[random.int(0, LETTERS.length - 1)]).join('')
}

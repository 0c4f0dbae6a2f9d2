import { createParser } from 'eventsource-parser'
import { parseJson } from '../../common/json.ts'
import { TransientError } from '../../common/retry.ts'
import { errorText } from './failures.ts'
import type { Reply } from './transport.ts'

/** Takes secrets out of a text. */
type Hide = (text: string) => string

/** Longest message of a stream, and longest body, in characters. */
const LONGEST = 16 * 2 ** 20

/**
 * The JSON values of a reply, as they arrive: one for each server-sent event or each line, or a single one. What the
 * reply is follows from its content type or, where that says nothing, from its first characters. Comments, blank lines
 * are left out, and `[DONE]` ends the stream.
 *
 * @throws TransientError if the reply is not JSON, breaks off within a value, or has a value longer than 16 MiB.
 */
export async function* jsonMessages(
  reply: Pick<Reply, 'headers' | 'bytes' | 'finishing'>,
  hide: Hide,
): AsyncGenerator<unknown> {
  const type = reply.headers['content-type']?.toLowerCase() ?? ''
  let framing: Framing | null = null
  let unread = ''
  for await (const text of decoded(reply.bytes)) {
    unread += text
    framing ??= framingOf(type, unread, hide)
    if (framing === null) continue
    yield* framing.feed(unread)
    if (framing.done) reply.finishing(AFTERWARDS)
    unread = ''
  }
  framing ??= wholeBody(hide)
  yield* framing.feed(unread)
  yield* framing.end()
}

/** Seconds to wait for the end of a connection after the last message, so that it can be used again. */
export const AFTERWARDS = 0.5

/** Takes text as it comes and gives the JSON values that are complete. */
interface Framing {
  /** Is nothing more to come? */
  readonly done?: boolean
  feed(text: string): Iterable<unknown>
  end(): Iterable<unknown>
}

function framingOf(type: string, beginning: string, hide: Hide): Framing | null {
  const first = beginning.trimStart()
  if (first === '') return null
  // Some servers announce a stream and send an error or a page.
  if (type.includes('text/event-stream'))
    return /^[{<]/.test(first) ? wholeBody(hide) : serverSentEvents(hide)
  if (/ndjson|jsonl|json-seq/.test(type)) return first.startsWith('<') ? wholeBody(hide) : lines(hide)
  if (/^(data|event|id|retry)?:/.test(first)) return serverSentEvents(hide)
  // A beginning of "data:" that is cut off is not known yet.
  return first.length < 6 && !/^[{[<]/.test(first) ? null : wholeBody(hide)
}

function serverSentEvents(hide: Hide): Framing {
  let events: string[] = []
  let tooLong = false
  let done = false
  const parser = createParser({
    onEvent: ({ data }) => events.push(data),
    onError: ({ type }) => {
      tooLong ||= type === 'max-buffer-size-exceeded'
    },
    maxBufferSize: LONGEST,
  })
  function* taken(parse: (text: string) => Iterable<unknown>): Generator<unknown> {
    const complete = events
    events = []
    for (const data of complete) {
      if (done) return
      yield* parse(data)
    }
    if (tooLong) throw tooLongFailure()
  }
  /** The value of an event, or the values of several that a server wrote without the blank lines between them. */
  function* values(data: string): Generator<unknown> {
    for (const part of data.includes('\n') && !isJson(data) ? data.split('\n') : [data]) {
      done ||= part.trim() === '[DONE]'
      if (done) return
      if (part.trim() !== '') yield jsonIn(part, hide)
    }
  }
  return {
    get done() {
      return done
    },
    feed(text) {
      parser.feed(text)
      return taken(values)
    },
    end() {
      // The last event may lack its blank line.
      parser.feed('\n\n')
      return taken(function* (data) {
        if (data.trim() === '' || data.trim() === '[DONE]') return
        if (!isJson(data)) throw new TransientError(CUT_OFF)
        yield JSON.parse(data)
      })
    },
  }
}

function lines(hide: Hide): Framing {
  let rest = ''
  return {
    *feed(text) {
      rest += text
      const complete = text.includes('\n') ? rest.split(/\r?\n/) : [rest]
      rest = complete.pop()!
      if (rest.length > LONGEST) throw tooLongFailure()
      for (const line of complete) if (line.trim() !== '') yield jsonIn(line, hide)
    },
    *end() {
      if (rest.trim() === '') return
      if (!isJson(rest)) throw new TransientError(CUT_OFF)
      yield JSON.parse(rest)
    },
  }
}

function wholeBody(hide: Hide): Framing {
  const parts: string[] = []
  let length = 0
  return {
    feed(text) {
      parts.push(text)
      length += text.length
      if (length > LONGEST) throw tooLongFailure()
      return []
    },
    *end() {
      const body = parts.join('')
      const each = body.split(/\r?\n/).filter((line) => line.trim() !== '')
      // Lines of JSON whose content type does not say so.
      if (!isJson(body) && each.length > 1 && each.slice(0, -1).every(isJson))
        yield* each.map((line) => jsonIn(line, hide))
      else yield jsonIn(body, hide)
    },
  }
}

const CUT_OFF = 'the reply was cut off before its end'
const tooLongFailure = () => new TransientError(`it sent more than ${LONGEST / 2 ** 20} MiB in one piece`)

const isJson = (text: string): boolean => parseJson(text) !== undefined

function jsonIn(text: string, hide: Hide): unknown {
  const value = parseJson(text)
  if (value !== undefined) return value
  throw new TransientError(`it answered with something that is not JSON (${errorText(hide(text))})`)
}

/** Text from UTF-8, cut anywhere; bytes that are not UTF-8 become U+FFFD. */
async function* decoded(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  for await (const chunk of bytes) {
    const text = decoder.decode(chunk, { stream: true })
    if (text !== '') yield text
  }
  const rest = decoder.decode()
  if (rest !== '') yield rest
}

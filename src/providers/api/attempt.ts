import { isRecord } from '../../common/json.ts'
import { retryAfterSeconds, TransientError } from '../../common/retry.ts'
import type { TextEvent, TextRequest, ThinkingFormat } from '../../thinking/model.ts'
import { endpointOf, keyOf } from './address.ts'
import { Assembly } from './assemble.ts'
import type { ApiRequest, Dialect } from './dialects/dialect.ts'
import { failureIn, failureOf, Refusal } from './failures.ts'
import { AFTERWARDS, jsonMessages } from './messages.ts'
import { post, type Reply, type TimeLimits } from './transport.ts'

/** Where requests go, and how they are written and read. */
export interface Endpoint {
  readonly baseUrl: string
  readonly keyVariable: string | null
  /** The provider's name of the model. */
  readonly model: string
  readonly dialect: Dialect
  readonly format: ThinkingFormat
  readonly limits: TimeLimits
}

/** Seconds to wait for the counts of tokens once the response is complete. */
const COUNTS = 10
/** Names of models that always think, often in a template that begins the thinking. */
const THINKERS = /(?:^|[^a-z0-9])(?:r1|qwq|s1)(?:[^a-z0-9]|$)|thinking|reason/i
/** Longest response, in characters. */
const LONGEST = 64 * 2 ** 20

const NEVER = new AbortController().signal

/**
 * Makes one request and gives the events of its response. `onReached` is called once the provider has answered.
 *
 * @throws Refusal, TransientError or the reason of the request's signal; the key is in no message.
 */
export async function* attempt(
  request: TextRequest,
  { path, body }: ApiRequest,
  { baseUrl, keyVariable, model, dialect, format, limits }: Endpoint,
  onReached: () => void,
): AsyncGenerator<TextEvent> {
  const key = keyOf(keyVariable)
  const hide = hiding(key)
  let reply: Reply | null = null
  try {
    reply = await post(endpointOf(baseUrl, path), {
      body: JSON.stringify(body),
      headers: dialect.headers(key),
      limits,
      signal: request.signal ?? NEVER,
    })
    onReached()
    if (reply.status >= 300) {
      const text = hide(await beginningOfBody(reply))
      throw failureOf(reply.status, text, retryAfterSeconds(reply.headers['retry-after'] ?? null))
    }
    const opens = request.whole === true || (THINKERS.test(model) && request.thinking !== false)
    yield* events(reply, dialect, new Assembly(request, format, opens), hide)
  } catch (error) {
    if (error instanceof TransientError || error instanceof Refusal) error.message = hide(error.message)
    throw error
  } finally {
    reply?.close()
  }
}

/** The events of a reply. Once the provider has said that the response is complete, nothing that follows can spoil it. */
async function* events(
  reply: Reply,
  dialect: Dialect,
  assembly: Assembly,
  hide: (text: string) => string,
): AsyncGenerator<TextEvent> {
  const read = dialect.reader()
  let length = 0
  try {
    for await (const message of jsonMessages(reply, hide)) {
      if (message === null) continue
      const failure = failureIn(Array.isArray(message) ? message[0] : message, hide)
      if (failure !== null) throw failure
      if (!isRecord(message)) throw new TransientError('it answered with something that is not a response')
      for (const piece of read(message)) {
        if (piece.kind === 'finish') reply.finishing(COUNTS)
        else if (piece.kind === 'last') reply.finishing(AFTERWARDS)
        else reply.progressed()
        if ('text' in piece) length += piece.text.length
        if (length > LONGEST) throw new TransientError(`it sent more than ${LONGEST / 2 ** 20} MiB of text`)
        yield* assembly.take(piece)
      }
    }
  } catch (error) {
    if (!(error instanceof TransientError && assembly.finished)) throw error
  }
  yield* assembly.end()
}

/** The beginning of an error's body; what cannot be read of it is left out. */
async function beginningOfBody(reply: Reply): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const chunk of reply.bytes) {
      text += decoder.decode(chunk, { stream: true })
      if (text.length > 64 * 1024) break
    }
  } catch (error) {
    if (!(error instanceof TransientError)) throw error
  }
  return text
}

/** Replaces a key in text, also as it is written in JSON and in addresses. */
function hiding(key: string | null): (text: string) => string {
  if (key === null) return (text) => text
  const forms = [key, JSON.stringify(key).slice(1, -1), encodeURIComponent(key)]
  return (text) => forms.reduce((shown, form) => shown.replaceAll(form, '***'), text)
}

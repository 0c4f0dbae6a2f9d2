import { randomInt } from 'node:crypto'
import type { TextModel } from '../../thinking/model.ts'
import type { Ask, AskedRequest, ChoiceEvent, ThinkingWish } from '../dialect.ts'
import type { Limits } from '../limits.ts'
import { type Problem, RequestError } from '../problem.ts'
import { collectChoices, merge, trimEnds } from './choices.ts'
import type { RequestQueue } from './queue.ts'
import { streamOf, written } from './stream.ts'
import { Watch } from './watch.ts'

/** What responds: a model with as much thinking as a request wishes for. */
export interface Responder {
  readonly model: TextModel
  /** The model under the strategy that keeps to a wish; fails with a UserError if there is none. */
  withWish(wish: ThinkingWish): TextModel
  /** Where a request leaves these open. */
  readonly defaults?: Defaults
}

export type Defaults = Pick<AskedRequest, 'maxTokens' | 'temperature' | 'topP' | 'topK' | 'minP'>

/** Called once with what was found out about a request, and the error that ended it, if one did. */
export type OnDone = (watch: Watch, error: unknown) => void

/**
 * Responds to one request, as JSON or as a stream. Until the first event of the model, or a moment of silence, a failure has
 * an HTTP status; after that, the stream ends with it. When `work` is aborted, the model stops; a client that leaves its
 * stream aborts it.
 *
 * @throws RequestError and the errors of the model, before the response begins.
 */
export async function respond(
  ask: Ask,
  {
    responder,
    queue,
    limits,
    tell,
    work,
    drop,
    onDone,
  }: {
    responder: Responder
    queue: RequestQueue
    limits: Limits
    tell: (error: unknown) => Problem
    work: AbortController
    /** Closes the connection. */
    drop: () => void
    onDone: OnDone
  },
): Promise<Response> {
  for (const request of ask.requests) checkLength(request, responder.model.can.maxTokens, limits)
  const { signal } = work
  const watch = new Watch(ask.requests.length)
  const events = watch.over(run(ask, { responder, queue, signal }))
  /** The reason of an abort says more than the error that a model makes of it. */
  const cause = (error: unknown): unknown => (signal.aborted ? signal.reason : error)
  if (!ask.stream) {
    try {
      const choices = await collectChoices(events, ask.requests.length)
      onDone(watch, null)
      return Response.json(ask.body(choices))
    } catch (thrown) {
      const error = cause(thrown)
      work.abort(error)
      onDone(watch, error)
      throw error
    }
  }
  let body: ReadableStream<Uint8Array> | null = null
  await new Promise<void>((resolve, reject) => {
    const pieces = async function* (): AsyncGenerator<string> {
      // a stream that the client leaves is not read to its end
      let error: unknown = LEFT
      try {
        for await (const frame of ask.frames(tap(events, resolve))) yield written(frame, ask.framing)
        error = null
      } catch (thrown) {
        error = cause(thrown)
        reject(error)
        work.abort(error)
        for (const frame of ask.failed(tell(error))) yield written(frame, ask.framing)
      } finally {
        clearTimeout(timer)
        onDone(watch, error)
      }
    }
    const timer = setTimeout(resolve, limits.silence)
    body = streamOf(pieces(), {
      limits,
      keepAlive: ask.keepAlive ? written(ask.keepAlive, ask.framing) : ask.framing === 'sse' ? COMMENT : null,
      onLeave: () => work.abort(LEFT),
      onStall: drop,
    })
  })
  return new Response(body, {
    headers: {
      'content-type': ask.framing === 'sse' ? 'text/event-stream; charset=utf-8' : 'application/x-ndjson',
      'cache-control': 'no-cache, no-transform',
      // for a proxy, such as nginx: pass the pieces on as they come
      'x-accel-buffering': 'no',
    },
  })
}

/** Nobody is told. */
export const LEFT = new RequestError('clientLeft', 'the client left')

const COMMENT = ': keep-alive\n\n'

/** The events of all responses, once it is the request's turn. */
async function* run(
  { requests, wish, stream }: Ask,
  { responder, queue, signal }: { responder: Responder; queue: RequestQueue; signal: AbortSignal },
): AsyncGenerator<ChoiceEvent> {
  const model = responder.withWish(wish)
  const seed = randomInt(2 ** 31)
  const leave = await queue.enter(requests.length, signal)
  try {
    yield* merge(
      requests.map((request) => {
        const response = model.respond({
          ...withDefaults(request, responder.defaults),
          seed: request.seed ?? seed,
          whole: !stream,
          signal,
        })
        // what continues a text keeps its white space
        return request.prompt === undefined && !request.prefix ? trimEnds(response) : response
      }),
    )
    signal.throwIfAborted()
  } finally {
    leave()
  }
}

const withDefaults = (request: AskedRequest, defaults: Defaults = {}): AskedRequest => ({
  ...defaults,
  ...(Object.fromEntries(Object.entries(request).filter(([, value]) => value != null)) as AskedRequest),
})

/** Refuses a prompt that is longer than the context however it is tokenised, since tokenising it takes long. */
function checkLength(request: AskedRequest, maxTokens: number | null, { charactersPerToken }: Limits): void {
  if (maxTokens === null) return
  const parts = [
    request.prompt ?? '',
    ...request.messages.flatMap(({ content, reasoning_content = '' }) => [content, reasoning_content]),
  ]
  const characters = parts.reduce((sum, { length }) => sum + length, 0)
  if (characters > maxTokens * charactersPerToken)
    throw new RequestError(
      'tooLong',
      `the prompt has ${characters} characters: too many for the model's context of ${maxTokens} tokens`,
      { field: request.prompt === undefined ? 'messages' : 'prompt' },
    )
}

/** Passes events on, and tells of the first. */
async function* tap<T>(events: AsyncIterable<T>, onFirst: () => void): AsyncGenerator<T> {
  for await (const event of events) {
    onFirst()
    yield event
  }
  onFirst() // where nothing was asked of the model
}

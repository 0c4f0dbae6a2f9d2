import type { z } from 'zod'
import type { TextCapabilities, TextEvent, TextPiece, TextRequest, TextResponse } from '../thinking/model.ts'
import type { Effort } from '../thinking/strategies/effort.ts'
import type { Problem } from './problem.ts'

/*
 * A dialect is what one kind of client speaks: its paths, the fields of its requests, and the shapes of its responses and
 * errors. It is data and pure functions. The core (`respond/`) does everything else and knows no dialect: limits, keys,
 * the queue, cancellation, streaming.
 */

export interface Dialect {
  /** For logs and metrics, such as `chat-completions`. */
  readonly name: string
  /** For people, such as "OpenAI Chat Completions". */
  readonly title: string
  /** Beginnings of paths: errors on any path below get this dialect's shape, the longest beginning deciding. */
  readonly owns: readonly string[]
  readonly routes: readonly Route[]
  /** Do the headers of a request say that it is of this dialect, whatever its path? */
  speaks?(headers: Headers): boolean
  /** Body of the response to a request that failed, whose name is `id`. Its status is the problem's. */
  error(problem: Problem, id: string): object
}

export type Route = Generation | Lookup

/** A route that a model responds to. */
// biome-ignore lint/suspicious/noExplicitAny: each route has a body of its own
export interface Generation<Body = any> {
  readonly kind: 'generation'
  readonly method: 'POST'
  readonly path: string
  /** For the OpenAPI document. */
  readonly about: string
  /** Fields that it does not have are ignored. */
  readonly schema: z.ZodType<Body>
  /**
   * What is asked of the model.
   *
   * @throws RequestError for what cannot be honoured.
   */
  ask(body: Body, served: Served): Ask
}

/** A route whose response is known at once, such as a list of models. */
export interface Lookup {
  readonly kind: 'lookup'
  readonly method: 'GET' | 'POST' | 'HEAD'
  /** As in Hono: `:name` is one segment, `:name{.+}` may contain slashes. */
  readonly path: string
  readonly about: string
  readonly schema?: z.ZodType
  /** The body: an object is sent as JSON, text as text. `parameters` are those of the path; `body` has the schema's form. */
  answer(
    served: Served,
    parameters: Readonly<Record<string, string>>,
    body: unknown,
  ): object | string | Promise<object>
}

/** What a request asks of the model, and how the responses are written. */
export interface Ask {
  /** One response each, in parallel. Without a seed, the server draws one for all of them. */
  readonly requests: readonly AskedRequest[]
  readonly wish: ThinkingWish
  readonly stream: boolean
  /** How a stream is framed: server-sent events, or one JSON object a line. */
  readonly framing: 'sse' | 'lines'
  /** Sent while a stream has nothing to say; by default a comment in server-sent events, and nothing in lines. */
  readonly keepAlive?: Frame
  /** The body of a response that is not streamed. `choices[i]` responds to `requests[i]`. */
  body(choices: readonly Choice[]): object
  /** The stream. Ends after every choice had its `end`. */
  frames(events: AsyncIterable<ChoiceEvent>): AsyncIterable<Frame>
  /** What a stream that has begun ends with if it fails. */
  failed(problem: Problem): Iterable<Frame>
}

export type AskedRequest = Omit<TextRequest, 'seed' | 'signal'> & { readonly seed: number | null }

/** How much thinking a request wishes for; null leaves it to the server. */
export interface ThinkingWish {
  readonly effort: Effort | null
  /** At most this many tokens of thinking. */
  readonly budget: number | null
}

/** One piece of a stream. */
export interface Frame {
  /** Name of a server-sent event, if it has one. */
  readonly event?: string
  /** Sent as JSON; text is sent as it is. */
  readonly data: object | string
}

/** An event of one of several responses. */
export interface ChoiceEvent {
  /** Index of the request that this responds to. */
  readonly choice: number
  readonly event: TextEvent
}

/** A whole response, with its pieces in their order, which carry the log-probabilities. */
export interface Choice extends TextResponse {
  readonly pieces: readonly TextPiece[]
  /** When its first piece came, in the milliseconds of `performance.now()`; null if there was none. */
  readonly firstAt: number | null
}

/** The model that is served. */
export interface Served {
  /** The names that requests may give; the first is the one that responses carry. */
  readonly names: readonly string[]
  /** Are requests with another model's name answered too? */
  readonly anyName: boolean
  /** When the server started, in seconds since 1970. */
  readonly created: number
  /** Everything that a response depends on besides the request. */
  readonly identity: string
  /** Number of tokens of a request's prompt; null if the model cannot tell before it responds. */
  readonly countPrompt: ((request: Omit<AskedRequest, 'seed'>) => Promise<number>) | null
  readonly can: ServedCapabilities
}

/** What the model can do, and whether the server can keep to an effort or a budget of thinking. */
export type ServedCapabilities = TextCapabilities & { readonly budget: boolean }

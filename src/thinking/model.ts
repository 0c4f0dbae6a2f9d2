/*
 * The text port: whatever answers messages with thinking and an answer, on this machine or behind an API, does it through
 * `TextModel`. A strategy (a budget, a vote) on top of a model is a `TextModel` again, so that servers, evaluations and
 * conversations know nothing of where a response comes from. The engine port below it has tokens in, tokens out.
 */

/** One message of a conversation, in the fields of OpenAI's chat completions. */
export interface Message {
  readonly role: string
  readonly content: string
  /** Thinking that is separate from the content. */
  readonly reasoning_content?: string
  /** Calls of tools, in OpenAI's form, with the arguments as an object. */
  readonly tool_calls?: readonly unknown[]
  /** In a tool's message: the name of the tool, and the call that it answers. */
  readonly name?: string
  readonly tool_call_id?: string
}

/** Answers messages, one response a request. Whoever opens it closes it. */
export interface TextModel {
  /** The name that a person gave, such as `miniature-base` or `deepseek:deepseek-reasoner`. */
  readonly name: string
  /** Everything that a response depends on besides the request, such as a hash of the weights. Has no secrets. */
  readonly identity: string
  readonly can: TextCapabilities
  /**
   * Responds piece by piece; the last event, and only the last, is an `end`. Leaving the iteration early, like aborting
   * the request's signal, ends the work at once.
   *
   * @throws UserError for a request that the model cannot honour, `PromptTooLong` among them, and where a provider refuses
   * or cannot be reached.
   */
  respond(request: TextRequest): AsyncIterable<TextEvent>
  /**
   * Number of tokens of the request's prompt, tools included. Missing where it is not known before there is a response.
   *
   * @throws UserError as `respond` does for a prompt that the model cannot be given.
   */
  countPrompt?(request: Omit<TextRequest, 'seed'>): Promise<number>
  /**
   * The request's prompt as the model sees it, with its template and the beginning of the response. Missing where it is not
   * known, as behind an API.
   *
   * @throws UserError as `countPrompt`.
   */
  showPrompt?(request: Omit<TextRequest, 'seed'>): Promise<string>
  close(): Promise<void>
}

/** What a model can do. */
export interface TextCapabilities {
  /** Can it continue a response that was begun (`TextRequest.prefix`)? Budgets need it. */
  readonly prefix: boolean
  /** Does it return log-probabilities? */
  readonly logprobs: boolean
  /** Does the same request with the same seed give the same response? */
  readonly seed: boolean
  /** Can it be given tool definitions? */
  readonly tools: boolean
  /** Does the model think before it answers, at least where it is told to? null or missing if unknown. */
  readonly thinks?: boolean | null | undefined
  /** Can thinking be turned off and on? null if unknown. */
  readonly switchThinking: boolean | null
  /** Longest sequence in tokens, including the prompt; null if unknown. */
  readonly maxTokens: number | null
  /** How the model writes its thinking into its text. */
  readonly format: ThinkingFormat
  /** Does it see the earlier messages of a conversation, or only the last one, with system messages? By default it does. */
  readonly remembers?: boolean | undefined
}

/**
 * How a model writes its thinking: the delimiters of the thinking and, if there are any, of the answer. They are written as
 * the model writes them, so `thinking.end`, followed by `answer.start` if there is one, ends the thinking and begins the
 * answer.
 */
export interface ThinkingFormat {
  readonly name: string
  readonly thinking: { readonly start: string; readonly end: string }
  /** null: the answer is everything outside the thinking. */
  readonly answer: { readonly start: string; readonly end: string } | null
  /** Other delimiters that begin the thinking. */
  readonly starts?: readonly string[]
  /** Other delimiters that end a part. */
  readonly ends?: readonly string[]
  /** Thinking only comes first: delimiters after the answer has begun are text. */
  readonly leading?: boolean
  /** Every part begins with a header, from any of `starts` to `end`. It is thinking if `thinking` matches the header. */
  readonly header?: { readonly starts: readonly string[]; readonly end: string; readonly thinking: RegExp }
}

/** A request for one response. A field that is null or missing is left to the model. */
export interface TextRequest {
  /** A conversation, whose last message is not the assistant's. */
  readonly messages: readonly Message[]
  /** Text to continue as it stands, without any template, instead of messages. */
  readonly prompt?: string | undefined
  /**
   * The beginning of the response, as the model writes it, delimiters included; the model continues it, and its events
   * hold only the continuation. Pieces are text or, from a model that reports tokens, tokens.
   */
  readonly prefix?: readonly (string | Int32Array)[] | undefined
  /** Definitions of tools, in OpenAI's form. */
  readonly tools?: readonly unknown[] | undefined
  /** Whether to think, for models that can be told so. */
  readonly thinking?: boolean | null | undefined
  /** How much to think (`none`, `low`, `medium`, `high`, …), in the words of a provider that can be told so. */
  readonly effort?: string | null | undefined
  /** Arguments of the chat template, such as `enable_thinking`. */
  readonly templateArguments?: Readonly<Record<string, unknown>> | undefined
  /** Further fields of a provider's request. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined
  /** Longest response in tokens, thinking included, prefix excluded. */
  readonly maxTokens?: number | null | undefined
  /** 0 is greedy. */
  readonly temperature?: number | null | undefined
  readonly topP?: number | null | undefined
  readonly topK?: number | null | undefined
  readonly minP?: number | null | undefined
  /** The response ends before the first of these strings. */
  readonly stop?: readonly string[] | undefined
  readonly seed: number
  /** Number of the response among several to the same request: it uses the random stream (seed, sample). By default 0. */
  readonly sample?: number | undefined
  /** Report log-probabilities of the tokens, and of as many alternatives at each. */
  readonly logprobs?: number | null | undefined
  /**
   * The caller reads nothing before the end. A provider's response that breaks off is then requested again; otherwise it
   * fails, since a part of it was delivered.
   */
  readonly whole?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

export type TextEvent = TextPiece | ToolCall | Progress | TextEnd

/** A piece of the response, without delimiters. */
export interface TextPiece {
  readonly type: 'thinking' | 'answer'
  readonly text: string
  /** Tokens received since the last piece, delimiters included; null if unknown. */
  readonly tokens: number | null
  readonly logprobs?: readonly TokenLogprob[] | undefined
}

/** A call of a tool, whole. */
export interface ToolCall {
  readonly type: 'tool_call'
  readonly id: string
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
}

/** What a strategy is doing, for people. */
export interface Progress {
  readonly type: 'progress'
  readonly text: string
}

/** The end of a response. */
export interface TextEnd {
  readonly type: 'end'
  /** `length`: cut off at the longest response; `content_filter`: withheld by the provider. */
  readonly reason: 'stop' | 'length' | 'content_filter' | 'tool_calls'
  /** The string of `TextRequest.stop` before which it ended; null or missing if there was none, or it is unknown. */
  readonly stop?: string | null | undefined
  readonly usage: TextUsage
  /** The text of the response as the model wrote it, delimiters included; null if a provider separated it. */
  readonly text: string | null
  /** Its tokens, without the one that ended it; null if unknown. A continuation of it begins with these. */
  readonly tokens: Int32Array | null
}

/** Tokens used; null where unknown. A strategy counts all responses that it asked for. */
export interface TextUsage {
  readonly promptTokens: number | null
  /** Of the prompt tokens, those that needed no computation. */
  readonly cachedTokens: number | null
  /** Thinking included. */
  readonly completionTokens: number | null
  readonly thinkingTokens: number | null
}

/** The log-probability of a token, in nats. */
export interface TokenLogprob {
  readonly token: string
  readonly logprob: number
  /** The likeliest alternatives, likeliest first. */
  readonly top: readonly { readonly token: string; readonly logprob: number }[]
}

/** A whole response. */
export interface TextResponse {
  /** null if there is none. */
  readonly thinking: string | null
  /** null if the thinking did not end. */
  readonly answer: string | null
  readonly toolCalls: readonly ToolCall[]
  readonly end: TextEnd
}

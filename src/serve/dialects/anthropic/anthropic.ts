import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { TextEnd, TextUsage, ToolCall } from '../../../thinking/model.ts'
import type { Effort } from '../../../thinking/strategies/effort.ts'
import type {
  Ask,
  AskedRequest,
  Choice,
  ChoiceEvent,
  Dialect,
  Frame,
  Served,
  ThinkingWish,
} from '../../dialect.ts'
import { type Problem, RequestError } from '../../problem.ts'
import { checkModel } from '../../request/check-model.ts'
import { conversation } from '../../request/conversation.ts'
import { offered, type ToolDefinition } from '../tools.ts'
import { messageSchema, messagesOf, systemSchema } from './messages.ts'
import { omitted, signature } from './signature.ts'

/*
 * Anthropic's Messages API, version 2023-06-01. Thinking is a block of its own before the answer. Other fields of the API,
 * such as `metadata` and `cache_control`, change nothing that a model writes and are ignored.
 */

const display = z.enum(['summarized', 'omitted']).nullish()
const thinking = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('enabled'), budget_tokens: z.int().min(1), display }),
  z.looseObject({ type: z.literal('adaptive'), display }),
  z.looseObject({ type: z.literal('between_tools') }),
  z.looseObject({ type: z.literal('disabled') }),
])

const tool = z.looseObject({
  type: z.string().nullish(),
  name: z.string(),
  description: z.string().optional(),
  input_schema: z.record(z.string(), z.unknown()).optional(),
})
type Tool = z.infer<typeof tool>

const asked = {
  model: z.string(),
  messages: z.array(messageSchema).min(1),
  system: systemSchema.optional(),
  thinking: thinking.nullish(),
  thread: z.unknown().optional(),
  tools: z.array(tool).nullish(),
  tool_choice: z.looseObject({ type: z.enum(['auto', 'any', 'tool', 'none']) }).nullish(),
  output_config: z
    .looseObject({
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish(),
      format: z.unknown().optional(),
    })
    .nullish(),
}

const countSchema = z.looseObject(asked)
const requestSchema = z.looseObject({
  ...asked,
  max_tokens: z.int().min(1),
  stream: z.boolean().nullish(),
  stop_sequences: z.array(z.string().min(1)).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(0).nullish(),
})
type Counted = z.infer<typeof countSchema>
type Body = z.infer<typeof requestSchema>

export const anthropic: Dialect = {
  name: 'anthropic',
  title: 'Anthropic Messages',
  owns: ['/v1/messages'],
  // also on /v1/models, whose list is in OpenAI's form and in this one
  speaks: (headers) => headers.has('anthropic-version'),
  routes: [
    {
      kind: 'generation',
      method: 'POST',
      path: '/v1/messages',
      about: 'A message: thinking blocks, text blocks and uses of tools',
      schema: requestSchema,
      ask,
    },
    {
      kind: 'lookup',
      method: 'POST',
      path: '/v1/messages/count_tokens',
      about: 'The number of tokens of a prompt',
      schema: countSchema,
      answer: (served, _, body) => count(body as Counted, served),
    },
  ],
  error: (problem, id) => ({ ...errorBody(problem), request_id: id }),
}

function ask(body: Body, served: Served): Ask {
  checkModel(body.model, served)
  const wish = wishes(body)
  if (wish.budget !== null && wish.budget >= body.max_tokens)
    throw new RequestError('invalid', '`max_tokens` must be greater than `thinking.budget_tokens`', {
      field: 'max_tokens',
    })
  const hidden = body.thinking != null && 'display' in body.thinking && body.thinking.display === 'omitted'
  const request = {
    ...asking(body, served),
    maxTokens: body.max_tokens,
    temperature: body.temperature ?? null,
    topP: body.top_p ?? null,
    topK: body.top_k ?? null,
    stop: body.stop_sequences ?? [],
    seed: null,
  }
  const reply = { model: served.names[0]!, hidden, countPrompt: () => served.countPrompt?.(request) ?? 0 }
  return {
    requests: [request],
    wish,
    stream: body.stream ?? false,
    framing: 'sse',
    keepAlive: named({ type: 'ping' }),
    body: ([choice]) => messageBody(choice!, reply),
    frames: (events) => frames(events, reply),
    failed: (problem) => [named(errorBody(problem))],
  }
}

async function count(body: Counted, served: Served): Promise<object> {
  checkModel(body.model, served)
  if (served.countPrompt === null)
    throw new RequestError('invalid', 'the tokens of a prompt are not known before this model responds')
  return { input_tokens: await served.countPrompt(asking(body, served)) }
}

/** What the prompt is made of. */
function asking(
  body: Counted,
  served: Served,
): Pick<AskedRequest, 'messages' | 'prefix' | 'thinking' | 'tools'> {
  if (body.thread != null)
    throw new RequestError(
      'stateful',
      'thread: this server keeps no conversations; send the whole one without `thread`',
      { field: 'thread' },
    )
  if (body.output_config?.format != null)
    throw new RequestError('invalid', 'output_config.format: this server cannot keep to a JSON schema', {
      field: 'output_config.format',
    })
  const type = body.thinking?.type
  return {
    ...conversation(messagesOf(body.system, body.messages), served),
    ...offered((body.tools ?? []).map(definition), body.tool_choice, served),
    // not to think is a wish, which a budget of 0 tokens grants where the model cannot be told
    thinking: type === 'enabled' ? true : null,
  }
}

function wishes({ thinking, output_config }: Body): ThinkingWish {
  const effort = output_config?.effort ?? null
  const levels: Record<string, Effort> = { xhigh: 'high', max: 'high' }
  return {
    effort: thinking?.type === 'disabled' ? 'none' : effort && (levels[effort] ?? (effort as Effort)),
    budget: thinking?.type === 'enabled' ? thinking.budget_tokens : null,
  }
}

/** A tool in OpenAI's form. */
function definition(
  { type, name, description, input_schema: parameters }: Tool,
  index: number,
): ToolDefinition {
  if (parameters !== undefined)
    return {
      type: 'function',
      function: { name, ...(description === undefined ? {} : { description }), parameters },
    }
  const message =
    type == null || type === 'custom'
      ? `tools[${index}].input_schema is missing`
      : `tools[${index}]: only tools with an input_schema are supported, not "${type}"`
  throw new RequestError('invalid', message, { field: `tools[${index}]` })
}

interface Reply {
  readonly model: string
  /** Is the thinking kept from the client? */
  readonly hidden: boolean
  /** Tokens of the prompt. Clients fail without the number: it is 0 until the end of the response if it is unknown. */
  countPrompt(): Promise<number> | number
}

function messageBody({ thinking, answer, toolCalls, end }: Choice, { model, hidden }: Reply): object {
  const content: object[] = []
  if (thinking !== null) {
    const signed = signature()
    signed.update(thinking)
    content.push({
      type: 'thinking',
      thinking: hidden ? '' : thinking,
      signature: hidden ? omitted(thinking) : signed.end(),
    })
  }
  if (answer) content.push({ type: 'text', text: answer })
  for (const call of toolCalls) content.push({ ...toolUse(call), input: call.arguments })
  return { ...message(model), content, ...stopping(end), usage: usage(end.usage) }
}

const message = (model: string): object => ({
  id: `msg_${randomUUID().replaceAll('-', '')}`,
  type: 'message',
  role: 'assistant',
  model,
})

const toolUse = ({ id, name }: ToolCall): object => ({ type: 'tool_use', id, name })

/**
 * The events of a stream: message_start; for each block content_block_start, its deltas and content_block_stop; then
 * message_delta and message_stop.
 */
async function* frames(
  events: AsyncIterable<ChoiceEvent>,
  { model, hidden, countPrompt }: Reply,
): AsyncGenerator<Frame> {
  yield named({
    type: 'message_start',
    message: {
      ...message(model),
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: await countPrompt(), output_tokens: 0 },
    },
  })
  yield named({ type: 'ping' })

  let index = -1
  let open: 'thinking' | 'answer' | null = null
  let signed = signature()
  let thought = ''
  const delta = (value: object): Frame => named({ type: 'content_block_delta', index, delta: value })
  const start = (content_block: object): Frame =>
    named({ type: 'content_block_start', index: ++index, content_block })
  function* stop(): Generator<Frame> {
    if (open === null) return
    if (open === 'thinking')
      yield delta({ type: 'signature_delta', signature: hidden ? omitted(thought) : signed.end() })
    yield named({ type: 'content_block_stop', index })
    open = null
  }

  for await (const { event } of events) {
    if (event.type === 'thinking' || event.type === 'answer') {
      if (event.text === '') continue
      if (open !== event.type) {
        yield* stop()
        open = event.type
        signed = signature()
        thought = ''
        yield start(
          open === 'thinking'
            ? { type: 'thinking', thinking: '', signature: '' }
            : { type: 'text', text: '' },
        )
      }
      if (event.type === 'answer') yield delta({ type: 'text_delta', text: event.text })
      else if (hidden) thought += event.text
      else {
        signed.update(event.text)
        yield delta({ type: 'thinking_delta', thinking: event.text })
      }
    } else if (event.type === 'tool_call') {
      yield* stop()
      yield start({ ...toolUse(event), input: {} })
      yield delta({ type: 'input_json_delta', partial_json: JSON.stringify(event.arguments) })
      yield named({ type: 'content_block_stop', index })
    } else if (event.type === 'end') {
      yield* stop()
      yield named({ type: 'message_delta', delta: stopping(event), usage: usage(event.usage) })
      yield named({ type: 'message_stop' })
    }
  }
}

const named = (data: { readonly type: string; readonly [name: string]: unknown }): Frame => ({
  event: data.type,
  data,
})

function stopping({ reason, stop }: TextEnd): { stop_reason: string; stop_sequence: string | null } {
  const reasons = {
    length: 'max_tokens',
    tool_calls: 'tool_use',
    content_filter: 'refusal',
    stop: 'end_turn',
  }
  if (reason === 'stop' && stop != null) return { stop_reason: 'stop_sequence', stop_sequence: stop }
  return { stop_reason: reasons[reason], stop_sequence: null }
}

/** Clients fail without the two numbers, so those that are unknown are 0 here. */
function usage({ promptTokens, cachedTokens, completionTokens, thinkingTokens }: TextUsage): object {
  return {
    // In this API, the tokens read from the cache are not input tokens.
    input_tokens: (promptTokens ?? 0) - (cachedTokens ?? 0),
    cache_creation_input_tokens: null,
    cache_read_input_tokens: cachedTokens,
    output_tokens: completionTokens ?? 0,
    output_tokens_details: thinkingTokens === null ? null : { thinking_tokens: thinkingTokens },
  }
}

function errorBody({ kind, message }: Problem): { type: string; error: object } {
  // with these, Anthropic's clients send the conversation again, whole
  const details =
    kind === 'stateful' ? { details: { error_code: 'thread_unsupported_request', unsupported: [] } } : {}
  return { type: 'error', error: { type: ERRORS[kind], message, ...details } }
}

const ERRORS = {
  invalid: 'invalid_request_error',
  stateful: 'invalid_request_error',
  tooLong: 'invalid_request_error',
  unauthorized: 'authentication_error',
  forbidden: 'permission_error',
  notFound: 'not_found_error',
  unknownModel: 'not_found_error',
  method: 'invalid_request_error',
  tooLarge: 'request_too_large',
  mediaType: 'invalid_request_error',
  queueFull: 'rate_limit_error',
  clientLeft: 'api_error',
  internal: 'api_error',
  provider: 'api_error',
  conflict: 'invalid_request_error',
  gone: 'not_found_error',
  stopping: 'overloaded_error',
} as const satisfies Record<Problem['kind'], string>

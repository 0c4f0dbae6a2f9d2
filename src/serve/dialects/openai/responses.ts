import { z } from 'zod'
import type { TextUsage } from '../../../thinking/model.ts'
import { EFFORTS } from '../../../thinking/strategies/effort.ts'
import type { AskedRequest, ChoiceEvent, Dialect, Frame, Generation, Served } from '../../dialect.ts'
import { type Problem, RequestError } from '../../problem.ts'
import { checkModel } from '../../request/check-model.ts'
import { conversation } from '../../request/conversation.ts'
import { offered, type ToolDefinition } from '../tools.ts'
import { RecentItems } from './recent-items.ts'
import { messagesOf } from './responses-input.ts'
import { ResponseWriter } from './responses-output.ts'
import { openAiError, sampling, samplingOf, thinkingFields, thinkingOf, totalsOf } from './shared.ts'

const { temperature, top_p, top_k, min_p, seed, stop, stream } = sampling

const schema = z.object({
  model: z.string().nullish(),
  input: z.union([z.string(), z.array(z.looseObject({ type: z.string().nullish() }))]),
  instructions: z.string().nullish(),
  ...{ temperature, top_p, top_k, min_p, seed, stop, stream },
  ...thinkingFields,
  reasoning: z
    .looseObject({
      effort: z.enum([...EFFORTS, 'minimal', 'xhigh', 'max']).nullish(),
      summary: z.string().nullish(),
      max_tokens: z.int().min(0).nullish(),
      enabled: z.boolean().nullish(),
    })
    .nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  include: z.array(z.string()).nullish(),
  text: z.looseObject({ format: z.looseObject({ type: z.string() }).nullish() }).nullish(),
  tools: z
    .array(
      z.looseObject({
        type: z.string(),
        name: z.string().nullish(),
        description: z.string().nullish(),
        parameters: z.record(z.string(), z.unknown()).nullish(),
        strict: z.boolean().nullish(),
      }),
    )
    .nullish(),
  tool_choice: z.union([z.string(), z.looseObject({ type: z.string() })]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  store: z.boolean().nullish(),
  background: z.boolean().nullish(),
  previous_response_id: z.string().nullish(),
  conversation: z.unknown().optional(),
  prompt: z.unknown().optional(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  truncation: z.string().nullish(),
  user: z.string().nullish(),
})
type Body = z.infer<typeof schema>

const recent = new RecentItems()

export const responses: Dialect = {
  name: 'responses',
  title: 'OpenAI Responses',
  owns: ['/v1/responses', '/responses'],
  routes: ['/v1/responses', '/responses'].map(
    (path): Generation<Body> => ({
      kind: 'generation',
      method: 'POST',
      path,
      about: 'Answer a conversation, in items; only the newest are remembered',
      schema,
      ask,
    }),
  ),
  error: openAiError,
}

function ask(body: Body, served: Served): ReturnType<Generation<Body>['ask']> {
  checkModel(body.model, served)
  refuse(body, served)
  const thinking = thinkingOf(body)
  const withLogprobs = body.include?.includes('message.output_text.logprobs') ?? false
  const request: AskedRequest = {
    ...conversation(messagesOf(recalled(body.input), body.instructions), served, 'input'),
    ...samplingOf(body),
    ...thinking.request,
    ...offered(toolsOf(body), body.tool_choice, served),
    maxTokens: body.max_output_tokens ?? null,
    ...(withLogprobs ? { logprobs: body.top_logprobs ?? 0 } : {}),
  }
  const writer = new ResponseWriter(echoed(body, served), { withLogprobs })
  return {
    requests: [request],
    wish: thinking.wish,
    stream: body.stream ?? false,
    framing: 'sse',
    body: ([choice]) => {
      const { pieces, toolCalls, end } = choice!
      for (const event of [...pieces, ...toolCalls]) writer.push(event)
      writer.end(end.reason, usageOf(end.usage))
      if (body.store !== false) recent.keep(writer.items)
      return writer.response
    },
    frames: (events) => frames(events, writer, body.store !== false),
    failed: (problem) => failed(problem, writer),
  }
}

/** Puts items in the places of references to them. */
function recalled(input: Body['input']): Body['input'] {
  if (typeof input === 'string') return input
  return input.map((item, i) => {
    if (item.type !== 'item_reference') return item
    const found = recent.find(item.id)
    if (found !== null) return found as typeof item
    throw new RequestError(
      'stateful',
      `input[${i}]: this server does not know the item, or no longer; send the item itself, as clients do with store: false`,
      { field: `input[${i}]` },
    )
  })
}

async function* frames(
  events: AsyncIterable<ChoiceEvent>,
  writer: ResponseWriter,
  keeps: boolean,
): AsyncGenerator<Frame> {
  yield* writer.begin()
  for await (const { event } of events) {
    if (event.type === 'end') {
      const last = writer.end(event.reason, usageOf(event.usage))
      if (keeps) recent.keep(writer.items)
      yield* last
    } else if (event.type !== 'progress') yield* writer.push(event)
  }
}

/** The second frame is what makes OpenAI's own client throw. */
function failed(problem: Problem, writer: ResponseWriter): Frame[] {
  const { error } = openAiError(problem) as { error: { code: string | null } }
  const { message, field: param } = problem
  return [
    ...writer.fail({ code: 'server_error', message }),
    writer.frame('error', { code: error.code, message, param, error }),
  ]
}

/** Usage in the fields of Responses, whose clients expect every one; null if nothing is known. */
function usageOf(usage: TextUsage): object | null {
  const { prompt, cached, completion, thinking } = totalsOf([usage])
  if (prompt === null || completion === null) return null
  return {
    input_tokens: prompt,
    ...(cached === null ? {} : { input_tokens_details: { cached_tokens: cached } }),
    output_tokens: completion,
    ...(thinking === null ? {} : { output_tokens_details: { reasoning_tokens: thinking } }),
    total_tokens: prompt + completion,
  }
}

/** What a response repeats of its request. */
const echoed = (body: Body, served: Served): object => ({
  model: served.names[0]!,
  instructions: body.instructions ?? null,
  max_output_tokens: body.max_output_tokens ?? null,
  metadata: body.metadata ?? {},
  parallel_tool_calls: body.parallel_tool_calls ?? true,
  previous_response_id: null,
  reasoning: { effort: body.reasoning?.effort ?? null, summary: body.reasoning?.summary ?? null },
  store: false,
  temperature: body.temperature ?? null,
  text: { format: { type: 'text' } },
  tool_choice: body.tool_choice ?? 'auto',
  tools: body.tools ?? [],
  top_p: body.top_p ?? null,
  truncation: body.truncation ?? 'disabled',
  ...(body.user == null ? {} : { user: body.user }),
})

function refuse(body: Body, { can }: Served): void {
  const no = (field: string, message: string): never => {
    throw new RequestError('invalid', message, { field })
  }
  const stateless = 'this server keeps nothing: send the whole conversation as input'
  if (body.previous_response_id)
    no('previous_response_id', `previous_response_id is not supported; ${stateless}`)
  if (body.conversation != null) no('conversation', `conversation is not supported; ${stateless}`)
  if (body.store)
    no('store', 'store: true is not supported: this server keeps nothing; leave it out or send false')
  if (body.background) no('background', 'background is not supported: wait for the response, or stream it')
  if (body.prompt != null) no('prompt', 'stored prompts are not supported: send input and instructions')
  const format = body.text?.format?.type ?? 'text'
  if (format !== 'text')
    no('text.format', `text.format ${JSON.stringify(format)} is not supported: this server answers in text`)
  if (body.include?.includes('message.output_text.logprobs') && !can.logprobs)
    no('include', 'this model reports no log-probabilities')
}

/** Definitions in the form of chat completions, which chat templates expect. */
function toolsOf({ tools }: Body): ToolDefinition[] {
  return (tools ?? []).map(({ type, name, description, parameters, strict }, i) => {
    if (type !== 'function' || !name)
      throw new RequestError(
        'invalid',
        `tools[${i}]: this server has no tools of its own, such as ${JSON.stringify(type.slice(0, 40))}; define a function`,
        { field: `tools[${i}]` },
      )
    return {
      type: 'function',
      function: {
        name,
        ...(description == null ? {} : { description }),
        parameters: parameters ?? { type: 'object', properties: {} },
        ...(strict == null ? {} : { strict }),
      },
    }
  })
}

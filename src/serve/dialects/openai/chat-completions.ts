import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Message, TextEnd, TextUsage, ToolCall } from '../../../thinking/model.ts'
import type { AskedRequest, Choice, ChoiceEvent, Dialect, Frame, Generation, Served } from '../../dialect.ts'
import { RequestError } from '../../problem.ts'
import { checkModel } from '../../request/check-model.ts'
import { conversation } from '../../request/conversation.ts'
import { tools, toolsOf } from '../tools.ts'
import {
  answerLogprobs,
  content,
  failedFrames,
  logprobsOf,
  openAiError,
  roleOf,
  sampling,
  samplingOf,
  textOf,
  thinkingFields,
  thinkingOf,
  toolCallsOf,
  totalsOf,
  usageOf,
} from './shared.ts'

const message = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: content.nullish(),
  name: z.string().nullish(),
  /** The thinking of an assistant's message that comes back; some clients use one name, some the other. */
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
  tool_calls: z
    .array(
      z.object({
        id: z.string().nullish(),
        function: z.object({
          name: z.string(),
          arguments: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
        }),
      }),
    )
    .nullish(),
  tool_call_id: z.string().nullish(),
})

/** -1 is no limit for LM Studio, llama.cpp and their clients. */
const mostTokens = z
  .int()
  .min(-1)
  .refine((most) => most !== 0, 'Too small: expected at least 1, or -1 for no limit')
  .nullish()

const schema = z.object({
  model: z.string().nullish(),
  messages: z.array(message).min(1),
  ...sampling,
  ...thinkingFields,
  ...tools,
  max_tokens: mostTokens,
  max_completion_tokens: mostTokens,
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  response_format: z.object({ type: z.string() }).nullish(),
  modalities: z.array(z.string()).nullish(),
  functions: z.array(z.unknown()).nullish(),
})
type Body = z.infer<typeof schema>

export const chatCompletions: Dialect = {
  name: 'chat-completions',
  title: 'OpenAI Chat Completions',
  owns: ['/v1/chat', '/v1', '/chat'],
  routes: [route('/v1/chat/completions'), route('/chat/completions')],
  error: openAiError,
}

function route(path: string): Generation<Body> {
  return { kind: 'generation', method: 'POST', path, about: 'Answer a conversation', schema, ask }
}

function ask(body: Body, served: Served): ReturnType<Generation<Body>['ask']> {
  checkModel(body.model, served)
  refuse(body)
  const thinking = thinkingOf(body)
  const request: AskedRequest = {
    ...conversation(body.messages.map(messageOf), served),
    ...samplingOf(body),
    ...thinking.request,
    ...toolsOf(body, served),
    maxTokens: mostOf(body),
    ...(body.logprobs ? { logprobs: body.top_logprobs ?? 0 } : {}),
  }
  if (body.logprobs && !served.can.logprobs)
    throw new RequestError('invalid', 'this model reports no log-probabilities', { field: 'logprobs' })
  const head = {
    id: `chatcmpl-${randomUUID()}`,
    created: Math.floor(Date.now() / 1000),
    model: served.names[0]!,
    system_fingerprint: null,
  }
  const withUsage = body.stream_options?.include_usage ?? false
  return {
    requests: Array.from({ length: body.n ?? 1 }, (_, sample) => ({ ...request, sample })),
    wish: thinking.wish,
    stream: body.stream ?? false,
    framing: 'sse',
    body: (choices) => ({
      ...head,
      object: 'chat.completion',
      choices: choices.map((choice, index) => choiceOf(choice, index, body.logprobs ?? false)),
      usage: usageOf(totalsOf(choices.map(({ end }) => end.usage))),
    }),
    frames: (events) => frames(events, { ...head, object: 'chat.completion.chunk' }, withUsage),
    failed: failedFrames,
  }
}

function mostOf({ max_completion_tokens, max_tokens }: Body): number | null {
  const most = max_completion_tokens ?? max_tokens ?? -1
  return most === -1 ? null : most
}

/** Refuses what would otherwise be ignored in silence though the response depends on it. */
function refuse({ response_format, modalities, top_logprobs, logprobs, functions }: Body): void {
  if (functions?.length)
    throw new RequestError('invalid', 'functions are not supported: define them as tools', {
      field: 'functions',
    })
  if (response_format && response_format.type !== 'text')
    throw new RequestError(
      'invalid',
      `response_format ${JSON.stringify(response_format.type)} is not supported: this server answers in text`,
      { field: 'response_format' },
    )
  if (modalities?.some((modality) => modality !== 'text'))
    throw new RequestError('invalid', 'this server answers in text alone', { field: 'modalities' })
  if (top_logprobs && !logprobs)
    throw new RequestError('invalid', 'top_logprobs needs logprobs: true', { field: 'top_logprobs' })
}

function messageOf(one: Body['messages'][number], index: number): Message {
  const field = `messages[${index}]`
  const thought = one.reasoning_content ?? one.reasoning
  return {
    role: roleOf(one.role),
    content: textOf(one.content, `${field}.content`),
    ...(thought ? { reasoning_content: thought } : {}),
    ...(one.tool_calls?.length ? { tool_calls: toolCallsOf(one.tool_calls, `${field}.tool_calls`) } : {}),
    ...(one.name != null ? { name: one.name } : {}),
    ...(one.tool_call_id != null ? { tool_call_id: one.tool_call_id } : {}),
  }
}

function choiceOf(choice: Choice, index: number, withLogprobs: boolean): object {
  const { thinking, answer, toolCalls, end } = choice
  return {
    index,
    message: {
      role: 'assistant',
      content: answer ?? (toolCalls.length > 0 ? null : ''),
      ...(thinking === null ? {} : { reasoning_content: thinking, reasoning: thinking }),
      refusal: null,
      ...(toolCalls.length > 0 ? { tool_calls: toolCalls.map(callOf) } : {}),
    },
    logprobs: withLogprobs ? { content: logprobsOf(answerLogprobs(choice)), refusal: null } : null,
    finish_reason: finishOf(end, toolCalls.length > 0),
  }
}

const callOf = ({ id, name, arguments: values }: ToolCall): object => ({
  id,
  type: 'function',
  function: { name, arguments: JSON.stringify(values) },
})

const finishOf = ({ reason }: TextEnd, hasCalls: boolean): string =>
  reason === 'stop' && hasCalls ? 'tool_calls' : reason

async function* frames(
  events: AsyncIterable<ChoiceEvent>,
  head: object,
  withUsage: boolean,
): AsyncGenerator<Frame> {
  const calls = new Map<number, number>()
  const usages: TextUsage[] = []
  const begun = new Set<number>()
  const chunk = (index: number, delta: object, rest: object = {}): Frame => ({
    data: {
      ...head,
      choices: [
        {
          index,
          delta: begun.has(index) ? delta : { role: 'assistant', content: '', ...delta },
          logprobs: null,
          finish_reason: null,
          ...rest,
        },
      ],
      ...(withUsage ? { usage: null } : {}),
    },
  })
  for await (const { choice, event } of events) {
    if (event.type === 'progress') continue
    if (event.type === 'thinking') {
      if (event.text === '') continue
      yield chunk(choice, { reasoning_content: event.text, reasoning: event.text })
    } else if (event.type === 'answer') {
      if (event.text === '' && !event.logprobs?.length) continue
      yield chunk(
        choice,
        { content: event.text },
        event.logprobs ? { logprobs: { content: logprobsOf(event.logprobs), refusal: null } } : {},
      )
    } else if (event.type === 'tool_call') {
      const index = calls.get(choice) ?? 0
      calls.set(choice, index + 1)
      yield chunk(choice, { tool_calls: [{ index, ...callOf(event) }] })
    } else if (event.type === 'end') {
      usages.push(event.usage)
      yield chunk(choice, {}, { finish_reason: finishOf(event, calls.has(choice)) })
    }
    begun.add(choice)
  }
  if (withUsage) yield { data: { ...head, choices: [], usage: usageOf(totalsOf(usages)) } }
  yield { data: '[DONE]' }
}

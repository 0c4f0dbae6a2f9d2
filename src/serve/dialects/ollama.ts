import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Message, TextEnd, TokenLogprob, ToolCall } from '../../thinking/model.ts'
import type { Ask, AskedRequest, Choice, Dialect, Lookup, Served, ThinkingWish } from '../dialect.ts'
import { RequestError } from '../problem.ts'
import { checkModel } from '../request/check-model.ts'
import { conversation } from '../request/conversation.ts'
import { offered } from './tools.ts'

/*
 * Ollama's own API. Its streams are one JSON object a line, and a request is streamed unless it says otherwise. What belongs
 * to the running of models, such as `keep_alive` and `options.num_gpu`, is ignored.
 */

/** The version of Ollama whose API this is: clients ask for it before they use what came with a version. */
const VERSION = '0.13.0'

const options = z.looseObject({
  temperature: z.number().min(0).nullish(),
  num_predict: z.int().min(-2).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  top_k: z.int().min(-1).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
})
const shared = {
  model: z.string(),
  stream: z.boolean().nullish(),
  think: z.union([z.boolean(), z.enum(['low', 'medium', 'high', 'max'])]).nullish(),
  format: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
  options: options.nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
}
const message = z.looseObject({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string().nullish(),
  thinking: z.string().nullish(),
  images: z.array(z.unknown()).nullish(),
  tool_calls: z
    .array(
      z.looseObject({
        id: z.string().nullish(),
        function: z.looseObject({ name: z.string(), arguments: z.record(z.string(), z.unknown()).nullish() }),
      }),
    )
    .nullish(),
  tool_name: z.string().nullish(),
  name: z.string().nullish(),
  tool_call_id: z.string().nullish(),
})
const chatSchema = z.looseObject({
  ...shared,
  messages: z.array(message).nullish(),
  tools: z.array(z.looseObject({ function: z.looseObject({ name: z.string() }) })).nullish(),
})
const generateSchema = z.looseObject({
  ...shared,
  prompt: z.string().nullish(),
  system: z.string().nullish(),
  raw: z.boolean().nullish(),
  template: z.string().nullish(),
  suffix: z.string().nullish(),
  context: z.array(z.unknown()).nullish(),
  images: z.array(z.unknown()).nullish(),
})
type Shared = Pick<z.infer<typeof chatSchema>, keyof typeof shared>

export const ollama: Dialect = {
  name: 'ollama',
  title: 'Ollama',
  owns: ['/api'],
  routes: [
    {
      kind: 'generation',
      method: 'POST',
      path: '/api/chat',
      about: 'The next message of a conversation',
      schema: chatSchema,
      ask: askChat,
    },
    {
      kind: 'generation',
      method: 'POST',
      path: '/api/generate',
      about: 'The response to a prompt',
      schema: generateSchema,
      ask: askGenerate,
    },
    lookup('GET', '/api/tags', 'The models', (served) => ({
      models: served.names.map((name) => model(name, served)),
    })),
    lookup('GET', '/api/ps', 'The models in memory', (served) => ({
      models: served.names.map((name) => ({
        ...model(name, served),
        expires_at: '9999-12-31T23:59:59Z',
        ...(served.can.maxTokens === null ? {} : { context_length: served.can.maxTokens }),
      })),
    })),
    lookup('GET', '/api/version', 'The version of this API', () => ({ version: VERSION })),
    {
      ...lookup('POST', '/api/show', 'What a model can do', (served, _, body) => show(served, body)),
      schema: z.looseObject({ model: z.string().nullish(), name: z.string().nullish() }),
    },
    ...refusals(),
  ],
  error: ({ message }) => ({ error: message }),
}

function lookup(method: Lookup['method'], path: string, about: string, answer: Lookup['answer']): Lookup {
  return { kind: 'lookup', method, path, about, answer }
}

/** What another server's models need, and this one does not do. */
function refusals(): Lookup[] {
  const paths = {
    '/api/pull': 'cannot download models; start `ruminate serve --model NAME` with another one',
    '/api/push': 'cannot upload models',
    '/api/create': 'cannot create models',
    '/api/copy': 'cannot copy models',
    '/api/embed': 'has no embeddings: its model writes text',
    '/api/embeddings': 'has no embeddings: its model writes text',
  }
  return Object.entries(paths).map(([path, reason]) => ({
    ...lookup('POST', path, 'Refused', () => {
      throw new RequestError('invalid', `this server ${reason}`)
    }),
    schema: z.looseObject({}),
  }))
}

function askChat(body: z.infer<typeof chatSchema>, served: Served): Ask {
  const messages = (body.messages ?? []).map(toMessage)
  const request = (): AskedRequest => ({
    ...sampling(body, served),
    ...conversation(messages, served),
    ...tools(body, served),
  })
  return asking(body, served, messages.length === 0 ? [] : [request()], {
    piece: ({ thinking, text, calls }) => ({
      message: {
        role: 'assistant',
        content: text ?? '',
        ...(thinking === undefined ? {} : { thinking }),
        ...(calls === undefined ? {} : { tool_calls: calls }),
      },
    }),
  })
}

function askGenerate(body: z.infer<typeof generateSchema>, served: Served): Ask {
  const { prompt, system, raw, template, suffix, context, images } = body
  for (const [field, given] of Object.entries({ template, suffix, context, images }))
    if (given != null && given.length > 0)
      throw new RequestError('invalid', `${field}: ${UNSUPPORTED[field]}`, { field })
  const asked: Pick<AskedRequest, 'messages' | 'prompt'> = raw
    ? { messages: [], prompt: prompt ?? '' }
    : {
        messages: [
          ...(system ? [{ role: 'system', content: system }] : []),
          { role: 'user', content: prompt ?? '' },
        ],
      }
  const request: AskedRequest = { ...sampling(body, served), ...asked }
  return asking(body, served, prompt ? [request] : [], {
    piece: ({ thinking, text, calls }) => ({
      response: text ?? '',
      ...(thinking === undefined ? {} : { thinking }),
      ...(calls === undefined ? {} : { tool_calls: calls }),
    }),
  })
}

const UNSUPPORTED: Record<string, string> = {
  template: "the model's own template is used; send `raw: true` with a prompt that is formatted already",
  suffix: 'the model cannot insert text',
  context: 'send the earlier messages to /api/chat instead',
  images: 'the model reads text only',
}

function toMessage(
  {
    role,
    content,
    thinking,
    images,
    tool_calls: calls,
    tool_name,
    name,
    tool_call_id: id,
  }: z.infer<typeof message>,
  index: number,
): Message {
  if (images != null && images.length > 0)
    throw new RequestError('invalid', `messages[${index}].images: ${UNSUPPORTED.images}`, {
      field: 'messages',
    })
  const tool = tool_name ?? name
  return {
    role,
    content: content ?? '',
    ...(thinking ? { reasoning_content: thinking } : {}),
    ...(calls && calls.length > 0 ? { tool_calls: calls.map(toCall) } : {}),
    ...(tool ? { name: tool } : {}),
    ...(id ? { tool_call_id: id } : {}),
  }
}

const toCall = ({
  id,
  function: called,
}: {
  id?: string | null | undefined
  function: { name: string; arguments?: object | null | undefined }
}): object => ({
  ...(id ? { id } : {}),
  type: 'function',
  function: { name: called.name, arguments: called.arguments ?? {} },
})

function tools({ model, tools }: z.infer<typeof chatSchema>, served: Served): Pick<AskedRequest, 'tools'> {
  if (tools?.length && !served.can.tools)
    throw new RequestError('invalid', `"${model}" does not support tools`, { field: 'tools' })
  return offered(
    (tools ?? []).map((tool) => ({ ...tool, type: 'function' })),
    'auto',
    served,
  )
}

/** The fields of a request that all of Ollama's requests have. */
function sampling(body: Shared, { can }: Served): Omit<AskedRequest, 'messages'> {
  const { think, format, logprobs, options = {} } = body
  if (think && can.thinks === false)
    throw new RequestError('invalid', `"${body.model}" does not support thinking`, { field: 'think' })
  if (format != null && format !== '')
    throw new RequestError('invalid', 'format: this server cannot keep to JSON or a schema', {
      field: 'format',
    })
  if (logprobs && !can.logprobs)
    throw new RequestError('invalid', `"${body.model}" does not report log-probabilities`, {
      field: 'logprobs',
    })
  const { num_predict: most, stop } = options ?? {}
  return {
    // not to think is a wish, which a budget of 0 tokens grants where the model cannot be told
    thinking: think ? true : null,
    // -1 is no limit, and -2 what the context holds, which is the limit anyway
    maxTokens: most != null && most > 0 ? most : null,
    temperature: options?.temperature ?? null,
    topP: options?.top_p || null,
    topK: options?.top_k != null && options.top_k > 0 ? options.top_k : null,
    minP: options?.min_p ?? null,
    stop: (typeof stop === 'string' ? [stop] : (stop ?? [])).filter((one) => one !== ''),
    seed: options?.seed != null && options.seed >= 0 ? options.seed : null,
    logprobs: logprobs ? (body.top_logprobs ?? 0) : null,
  }
}

const wish = ({ think }: Shared): ThinkingWish => ({
  effort: think === false ? 'none' : typeof think === 'string' ? (think === 'max' ? 'high' : think) : null,
  budget: null,
})

/** What one object of a response says. */
interface Piece {
  readonly thinking?: string
  readonly text?: string
  readonly calls?: readonly object[]
}

function asking(
  body: Shared,
  served: Served,
  requests: readonly AskedRequest[],
  { piece }: { piece(said: Piece): object },
): Ask {
  checkModel(withoutLatest(body.model, served), served)
  const { names } = served
  const since = performance.now()
  const line = (said: Piece, rest: object): object => ({
    model: names[0]!,
    created_at: new Date().toISOString(),
    ...piece(said),
    ...rest,
  })
  // Without messages, Ollama loads the model.
  const loaded = line({}, { done: true, done_reason: 'load' })
  return {
    requests,
    wish: wish(body),
    stream: body.stream ?? true,
    framing: 'lines',
    body: ([choice]) =>
      choice
        ? line(whole(choice), {
            done: true,
            ...ended(choice.end, { since, first: choice.firstAt }),
            ...logprobs(choice.pieces.flatMap((one) => one.logprobs ?? [])),
          })
        : loaded,
    async *frames(events) {
      if (requests.length === 0) yield { data: loaded }
      let first: number | null = null
      let calls = 0
      for await (const { event } of events) {
        if (event.type === 'progress') continue
        first ??= performance.now()
        if (event.type === 'thinking' || event.type === 'answer') {
          const detail = logprobs(event.logprobs ?? [])
          if (event.text === '' && event.logprobs === undefined) continue
          const said = event.type === 'thinking' ? { thinking: event.text } : { text: event.text }
          yield { data: line(said, { done: false, ...detail }) }
        } else if (event.type === 'tool_call')
          yield { data: line({ calls: [call(event, calls++)] }, { done: false }) }
        else if (event.type === 'end')
          yield { data: line({}, { done: true, ...ended(event, { since, first }) }) }
      }
    },
    failed: ({ message }) => [{ data: { error: message } }],
  }
}

const whole = ({ thinking, answer, toolCalls }: Choice): Piece => ({
  text: answer ?? '',
  ...(thinking === null ? {} : { thinking }),
  ...(toolCalls.length === 0 ? {} : { calls: toolCalls.map(call) }),
})

const call = ({ id, name, arguments: given }: ToolCall, index: number): object => ({
  id,
  function: { index, name, arguments: given },
})

/** Counts and, in nanoseconds, durations; those that are unknown are left out. */
function ended(
  { reason, usage }: TextEnd,
  { since, first }: { since: number; first: number | null },
): object {
  const now = performance.now()
  const nanoseconds = (milliseconds: number): number => Math.round(milliseconds * 1e6)
  return {
    done_reason: reason === 'tool_calls' ? 'stop' : reason,
    total_duration: nanoseconds(now - since),
    load_duration: 0,
    ...(usage.promptTokens === null ? {} : { prompt_eval_count: usage.promptTokens }),
    ...(first === null ? {} : { prompt_eval_duration: nanoseconds(first - since) }),
    ...(usage.completionTokens === null ? {} : { eval_count: usage.completionTokens }),
    ...(first === null ? {} : { eval_duration: nanoseconds(now - first) }),
  }
}

function logprobs(tokens: readonly TokenLogprob[]): { logprobs?: object[] } {
  if (tokens.length === 0) return {}
  const one = ({ token, logprob }: { token: string; logprob: number }): object => ({
    token,
    logprob,
    bytes: [...Buffer.from(token)],
  })
  return { logprobs: tokens.map((token) => ({ ...one(token), top_logprobs: token.top.map(one) })) }
}

/** Ollama's clients may name a model with the tag `latest`. */
const withoutLatest = (name: string, { names }: Served): string =>
  names.includes(name) ? name : name.replace(/:latest$/, '')

function model(name: string, { created, identity }: Served): object {
  return {
    name,
    model: name,
    modified_at: new Date(created * 1000).toISOString(),
    digest: createHash('sha256').update(identity).digest('hex'),
    details: DETAILS,
  }
}

/** What is not known of a model is empty, as in Ollama. */
const DETAILS = {
  parent_model: '',
  format: '',
  family: '',
  families: [],
  parameter_size: '',
  quantization_level: '',
}

function show(served: Served, body: unknown): object {
  const { model, name } = body as { model?: string | null; name?: string | null }
  checkModel(withoutLatest(model ?? name ?? '', served), served)
  const { can, created } = served
  return {
    modelfile: '',
    parameters: '',
    template: '',
    details: DETAILS,
    model_info: {
      'general.architecture': 'ruminate',
      'general.basename': served.names[0],
      ...(can.maxTokens === null ? {} : { 'ruminate.context_length': can.maxTokens }),
    },
    capabilities: [
      'completion',
      ...(can.tools ? ['tools'] : []),
      ...(can.thinks === false ? [] : ['thinking']),
    ],
    modified_at: new Date(created * 1000).toISOString(),
  }
}

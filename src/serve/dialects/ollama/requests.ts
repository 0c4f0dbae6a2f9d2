import { z } from 'zod'
import type { Message } from '../../../thinking/model.ts'
import type { AskedRequest, Served, ThinkingWish } from '../../dialect.ts'
import { RequestError } from '../../problem.ts'
import { conversation } from '../../request/conversation.ts'
import { offered } from '../tools.ts'

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
/** The body of `/api/chat`. */
export const chatSchema = z.looseObject({
  ...shared,
  messages: z.array(message).nullish(),
  tools: z.array(z.looseObject({ function: z.looseObject({ name: z.string() }) })).nullish(),
})
/** The body of `/api/generate`. */
export const generateSchema = z.looseObject({
  ...shared,
  prompt: z.string().nullish(),
  system: z.string().nullish(),
  raw: z.boolean().nullish(),
  template: z.string().nullish(),
  suffix: z.string().nullish(),
  context: z.array(z.unknown()).nullish(),
  images: z.array(z.unknown()).nullish(),
})
/** The fields that both have. */
export type Shared = Pick<z.infer<typeof chatSchema>, keyof typeof shared>

/**
 * What `/api/chat` asks of the model; null without messages.
 *
 * @throws RequestError for what cannot be honoured.
 */
export function chatRequest(body: z.infer<typeof chatSchema>, served: Served): AskedRequest | null {
  const messages = (body.messages ?? []).map(toMessage)
  if (messages.length === 0) return null
  return { ...sampling(body, served), ...conversation(messages, served), ...tools(body, served) }
}

/**
 * What `/api/generate` asks of the model; null without a prompt.
 *
 * @throws RequestError for what cannot be honoured.
 */
export function generateRequest(body: z.infer<typeof generateSchema>, served: Served): AskedRequest | null {
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
  const request = { ...sampling(body, served), ...asked }
  return prompt ? request : null
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

/** How much thinking a request wishes for. */
export const wishOf = ({ think }: Shared): ThinkingWish => ({
  effort: think === false ? 'none' : typeof think === 'string' ? (think === 'max' ? 'high' : think) : null,
  budget: null,
})

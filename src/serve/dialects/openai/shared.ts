import { z } from 'zod'
import { isRecord, parseJson } from '../../../common/json.ts'
import type { TextUsage, TokenLogprob } from '../../../thinking/model.ts'
import type { Effort } from '../../../thinking/strategies/effort.ts'
import { plus } from '../../../thinking/strategies/usage.ts'
import type { AskedRequest, Choice, ThinkingWish } from '../../dialect.ts'
import { LIMITS } from '../../limits.ts'
import { type Problem, RequestError } from '../../problem.ts'
import { Shape } from '../../request/shape.ts'

/* What OpenAI's dialects have in common. */

/** An error as OpenAI's clients read it. */
export function openAiError({ kind, status, message, field }: Problem): { error: object } {
  const type =
    kind === 'unauthorized'
      ? 'authentication_error'
      : kind === 'forbidden'
        ? 'permission_error'
        : kind === 'queueFull'
          ? 'rate_limit_error'
          : status >= 500
            ? 'server_error'
            : 'invalid_request_error'
  return { error: { message, type, param: field, code: CODES[kind] ?? null } }
}
const CODES: Partial<Record<Problem['kind'], string>> = {
  tooLong: 'context_length_exceeded',
  unauthorized: 'invalid_api_key',
  unknownModel: 'model_not_found',
  notFound: 'not_found',
  method: 'method_not_allowed',
  tooLarge: 'request_too_large',
  queueFull: 'rate_limit_exceeded',
  stopping: 'server_stopping',
  internal: 'internal_error',
  provider: 'provider_error',
}

/** An error within a stream. */
export const failedFrames = (problem: Problem): { data: object | string }[] => [
  { data: openAiError(problem) },
]

/** Fields of a sampling request, with the ranges of OpenAI and vLLM. null is the same as nothing. */
export const sampling = {
  temperature: z.number().min(0).max(100).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(-1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  seed: z.number().refine(Number.isInteger, 'Invalid input: expected an integer').nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(64)]).nullish(),
  n: z.int().min(1).max(128).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
}

/** Every way in which clients ask for more or less thinking. */
export const thinkingFields = {
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
  reasoning: z
    .object({
      effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
      max_tokens: z.int().min(0).nullish(),
      enabled: z.boolean().nullish(),
    })
    .nullish(),
  thinking: z.object({ type: z.string().nullish(), budget_tokens: z.int().min(0).nullish() }).nullish(),
  enable_thinking: z.boolean().nullish(),
  thinking_budget: z.int().min(0).nullish(),
  thinking_token_budget: z.int().min(-1).nullish(),
  chat_template_kwargs: z.record(z.string(), z.unknown()).nullish(),
}

type SamplingFields = z.infer<z.ZodObject<typeof sampling>>
type ThinkingFields = z.infer<z.ZodObject<typeof thinkingFields>>

/** A seed of 64 bits, which may be negative, as one that a random stream takes. */
export const seedOf = (seed: number | null | undefined): number | null =>
  seed == null ? null : seed >= 0 ? seed % SEEDS : 2 ** 32 + (seed % 2 ** 32)
const SEEDS = 2 ** 53

/** The fields of a request that say how to sample. -1 and 0 for `top_k` mean all tokens. */
export function samplingOf(
  body: SamplingFields,
): Pick<AskedRequest, 'temperature' | 'topP' | 'topK' | 'minP' | 'stop' | 'seed'> {
  const { stop } = body
  const stops = (typeof stop === 'string' ? [stop] : (stop ?? [])).filter((text) => text !== '')
  return {
    temperature: body.temperature ?? null,
    topP: body.top_p ?? null,
    topK: body.top_k == null || body.top_k <= 0 ? null : body.top_k,
    minP: body.min_p ?? null,
    ...(stops.length > 0 ? { stop: stops } : {}),
    seed: seedOf(body.seed),
  }
}

/** OpenAI knows more levels than there are strategies. */
export const effortOf = (effort: string | null | undefined): Effort | null =>
  effort == null
    ? null
    : effort === 'minimal'
      ? 'low'
      : effort === 'xhigh' || effort === 'max'
        ? 'high'
        : (effort as Effort)

/**
 * How much to think, from all fields that say so: a number of tokens, a level, or on and off. Off by any of them is off,
 * which the server brings about as the model allows.
 */
export function thinkingOf(body: ThinkingFields): {
  wish: ThinkingWish
  request: Pick<AskedRequest, 'thinking' | 'templateArguments'>
} {
  const { thinking, chat_template_kwargs: given, reasoning } = body
  const effort = effortOf(body.reasoning_effort ?? reasoning?.effort)
  const budgets = [
    body.thinking_token_budget,
    body.thinking_budget,
    thinking?.budget_tokens,
    reasoning?.max_tokens,
  ]
  const budget = budgets.find((tokens) => tokens != null && tokens >= 0) ?? null
  const switches = [
    body.enable_thinking,
    reasoning?.enabled,
    ...SWITCHES.map((name) => given?.[name]),
    { enabled: true, disabled: false }[thinking?.type ?? ''],
    effort === null ? null : effort !== 'none',
  ].filter((on) => typeof on === 'boolean')
  // models whose template has no such argument are told in another way
  const templateArguments = Object.fromEntries(
    Object.entries(given ?? {}).filter(
      ([name, value]) => !SWITCHES.includes(name) || typeof value !== 'boolean',
    ),
  )
  return {
    wish: switches.includes(false) ? { effort: 'none', budget: null } : { effort, budget },
    request: {
      ...(switches.length > 0 && !switches.includes(false) ? { thinking: true } : {}),
      ...(Object.keys(templateArguments).length > 0 ? { templateArguments } : {}),
    },
  }
}
const SWITCHES = ['enable_thinking', 'thinking']

/** A text, or parts of which each is text. */
export const content = z.union([z.string(), z.array(z.looseObject({ type: z.string() }))])

/**
 * The text of a content.
 *
 * @throws RequestError for parts that are not text.
 */
export function textOf(parts: z.infer<typeof content> | null | undefined, field: string): string {
  if (parts == null || typeof parts === 'string') return parts ?? ''
  return parts
    .map((part, i) => {
      const text = part.text ?? part.refusal
      if (TEXT_PARTS.has(part.type) && typeof text === 'string') return text
      const what = TEXT_PARTS.has(part.type)
        ? `a part of type "${part.type}" without its text`
        : NOT_TEXT(part.type)
      throw new RequestError('invalid', `${field}[${i}]: ${what}`, { field: `${field}[${i}]` })
    })
    .join('')
}
const TEXT_PARTS = new Set(['text', 'input_text', 'output_text', 'refusal'])
const NOT_TEXT = (type: string): string =>
  `this server takes text alone, no ${JSON.stringify(type.slice(0, 40))}`

/** A message's tool calls, with arguments as an object, as chat templates expect them. */
export function toolCallsOf(calls: readonly OpenAiToolCall[], field: string): object[] {
  return calls.map((call, i) => ({
    id: call.id ?? `call_${i}`,
    type: 'function',
    function: {
      name: call.function.name,
      arguments: argumentsOf(call.function.arguments, `${field}[${i}].function.arguments`),
    },
  }))
}

export interface OpenAiToolCall {
  readonly id?: string | null | undefined
  readonly function: { readonly name: string; readonly arguments?: string | object | null | undefined }
}

/** Arguments of a call, which OpenAI writes as a string of JSON. */
export function argumentsOf(text: string | object | null | undefined, field: string): object {
  if (text == null || text === '') return {}
  if (typeof text === 'object') return text
  new Shape(LIMITS, field).push(text)
  const value = parseJson(text)
  if (isRecord(value)) return value
  throw new RequestError('invalid', `${field} must be a JSON object, as a string`, { field })
}

/** Tokens of several responses together; null where unknown. */
export interface UsageTotals {
  readonly prompt: number | null
  readonly cached: number | null
  readonly completion: number | null
  readonly thinking: number | null
}

/**
 * The totals of several responses; one is unknown if it is unknown of any response. Those to the same prompt (`prompts[i]`
 * equal) share its tokens.
 */
export function totalsOf(
  usages: readonly TextUsage[],
  prompts: readonly number[] = usages.map(() => 0),
): UsageTotals {
  const sum = (values: readonly (number | null)[]): number | null => values.reduce(plus, 0)
  const first = usages.filter((_, i) => prompts.indexOf(prompts[i]!) === i)
  return {
    prompt: sum(first.map(({ promptTokens }) => promptTokens)),
    cached: sum(first.map(({ cachedTokens }) => cachedTokens)),
    completion: sum(usages.map(({ completionTokens }) => completionTokens)),
    thinking: sum(usages.map(({ thinkingTokens }) => thinkingTokens)),
  }
}

/** Usage in the fields of chat completions; null if nothing is known. */
export function usageOf({ prompt, cached, completion, thinking }: UsageTotals): object | null {
  if (prompt === null && completion === null) return null
  return {
    ...(prompt === null ? {} : { prompt_tokens: prompt }),
    ...(completion === null ? {} : { completion_tokens: completion }),
    ...(prompt === null || completion === null ? {} : { total_tokens: prompt + completion }),
    ...(cached === null ? {} : { prompt_tokens_details: { cached_tokens: cached } }),
    // DeepSeek's names
    ...(cached === null || prompt === null
      ? {}
      : { prompt_cache_hit_tokens: cached, prompt_cache_miss_tokens: prompt - cached }),
    ...(thinking === null ? {} : { completion_tokens_details: { reasoning_tokens: thinking } }),
  }
}

/** Log-probabilities of tokens as chat completions has them. */
export const logprobsOf = (logprobs: readonly TokenLogprob[]): object[] =>
  logprobs.map(({ token, logprob, top }) => ({
    token,
    logprob,
    bytes: bytesOf(token),
    top_logprobs: top.map((one) => ({ token: one.token, logprob: one.logprob, bytes: bytesOf(one.token) })),
  }))

const bytesOf = (token: string): number[] => [...Buffer.from(token)]

/** The log-probabilities of a choice's answer. */
export const answerLogprobs = ({ pieces }: Choice): TokenLogprob[] =>
  pieces.flatMap(({ type, logprobs }) => (type === 'answer' ? (logprobs ?? []) : []))

/** Messages to the model. The developer's role is the system's by another name. */
export const roleOf = (role: string): string =>
  role === 'developer' ? 'system' : role === 'function' ? 'tool' : role

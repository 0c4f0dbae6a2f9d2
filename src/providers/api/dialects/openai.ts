import { UserError } from '../../../common/errors.ts'
import { isRecord } from '../../../common/json.ts'
import type { Message, TextRequest, TextUsage, TokenLogprob } from '../../../thinking/model.ts'
import type { Provider } from '../presets.ts'
import {
  type CallPart,
  countOf,
  type Dialect,
  type FinishPart,
  type Piece,
  stopIn,
  textOf,
  textsIn,
} from './dialect.ts'
import { beginningOf, prefixText, seedOf } from './requests.ts'

/**
 * OpenAI's chat completions, and completions for text that is continued as it stands.
 *
 * @param format Delimiters of the thinking in a prefix.
 */
export function openAiDialect(
  provider: Pick<Provider, 'title' | 'prefix' | 'thinking' | 'maxTokensField' | 'seed'>,
  delimiters: { readonly start: string; readonly end: string },
): Dialect {
  return {
    headers: (key): Record<string, string> => (key === null ? {} : { authorization: `Bearer ${key}` }),
    request(request, { model, stream }) {
      const { prompt, messages, prefix } = request
      const common = {
        model,
        ...(provider.seed ? { seed: seedOf(request) } : {}),
        stream,
        ...(stream ? { stream_options: { include_usage: true } } : {}),
        ...sampling(request),
      }
      if (prompt !== undefined)
        return {
          path: '/completions',
          body: {
            ...common,
            prompt: prompt + prefixText(prefix),
            ...(request.maxTokens == null ? {} : { max_tokens: request.maxTokens }),
            ...(request.logprobs == null ? {} : { logprobs: request.logprobs }),
            ...request.extra,
          },
        }
      return {
        path:
          provider.prefix === 'deepseek' && prefix !== undefined
            ? '/beta/chat/completions'
            : '/chat/completions',
        body: {
          ...common,
          messages: [...messages.map(messageOf), ...continued(request, provider.prefix, delimiters)],
          ...(provider.prefix === 'continue_final_message' && prefix !== undefined
            ? { continue_final_message: true, add_generation_prompt: false }
            : {}),
          ...(request.maxTokens == null ? {} : { [provider.maxTokensField]: request.maxTokens }),
          ...(request.logprobs == null ? {} : { logprobs: true, top_logprobs: request.logprobs }),
          ...(request.tools && request.tools.length > 0 ? { tools: request.tools } : {}),
          ...thinkingFields(request, provider),
          ...request.extra,
        },
      }
    },
    reader: () => readMessage,
  }
}

const sampling = ({ temperature, topP, topK, minP, stop }: TextRequest) => ({
  ...(temperature == null ? {} : { temperature }),
  ...(topP == null ? {} : { top_p: topP }),
  ...(topK == null ? {} : { top_k: topK }),
  ...(minP == null ? {} : { min_p: minP }),
  ...(stop && stop.length > 0 ? { stop } : {}),
})

/** A message with the arguments of its calls as JSON, and its thinking only where tools need it: with calls. */
function messageOf({ reasoning_content, tool_calls, ...message }: Message): Record<string, unknown> {
  if (!tool_calls || tool_calls.length === 0) return message
  return {
    ...message,
    ...(reasoning_content ? { reasoning_content } : {}),
    tool_calls: tool_calls.map((call, i) => {
      const { id = `call_${i}`, function: called, ...rest } = call as Record<string, unknown>
      const { name, arguments: given } = (called ?? {}) as Record<string, unknown>
      return {
        id,
        type: 'function',
        ...rest,
        function: { name, arguments: typeof given === 'string' ? given : JSON.stringify(given ?? {}) },
      }
    }),
  }
}

/** The assistant's message to continue. */
function continued(
  { prefix }: TextRequest,
  way: Provider['prefix'],
  delimiters: { readonly start: string; readonly end: string },
): Record<string, unknown>[] {
  if (prefix === undefined) return []
  const content = prefixText(prefix)
  if (way !== 'reasoning_content' && way !== 'deepseek') return [{ role: 'assistant', content }]
  const { thinking, answer, open } = beginningOf(content, delimiters)
  return [
    {
      role: 'assistant',
      // Templates write the white space around the parts themselves. An empty content means that the thinking goes on.
      content: thinking === null || open ? answer : answer.trimStart() || '\n',
      ...(thinking === null ? {} : { reasoning_content: open ? thinking.trimStart() : thinking.trim() }),
      ...(way === 'deepseek' ? { prefix: true } : {}),
    },
  ]
}

function thinkingFields(
  { thinking, effort, templateArguments }: TextRequest,
  { title, thinking: way }: Pick<Provider, 'title' | 'thinking'>,
): Record<string, unknown> {
  const off = thinking === false || (effort === 'none' && thinking == null)
  const on = thinking === true || (effort != null && !off)
  const given = templateArguments && Object.keys(templateArguments).length > 0 ? templateArguments : null
  if (way === 'template' || way === 'template and effort') {
    const values = {
      // Qwen, GLM and others read the first name, DeepSeek's templates the second.
      ...(off || thinking === true ? { enable_thinking: !off, thinking: !off } : {}),
      ...(way === 'template and effort' && effort != null && !off ? { reasoning_effort: effort } : {}),
      ...given,
    }
    return {
      ...(effort != null && !off ? { reasoning_effort: effort } : {}),
      ...(Object.keys(values).length > 0 ? { chat_template_kwargs: values } : {}),
    }
  }
  if (given)
    throw new UserError(
      `${title} takes no arguments of the chat template (${Object.keys(given).join(', ')}); leave them out`,
    )
  const level = effort != null && !off ? { reasoning_effort: effort } : {}
  switch (way) {
    case 'type':
      return { ...(off || on ? { thinking: { type: off ? 'disabled' : 'enabled' } } : {}), ...level }
    case 'enabled':
      return { ...(off || on ? { reasoning: { enabled: !off } } : {}), ...level }
    case 'reasoning':
      if (off) return { reasoning: { enabled: false } }
      if (effort != null) return { reasoning: { effort } }
      return on ? { reasoning: { enabled: true } } : {}
    default:
      return off ? { reasoning_effort: 'none' } : level
  }
}

/** Reads a chunk of a stream, a whole chat completion, or a completion of text. */
function* readMessage({ choices, usage }: Record<string, unknown>): Generator<Piece> {
  for (const choice of Array.isArray(choices) ? choices.slice(0, 1) : []) {
    // of several that someone asked for, the first
    if (!isRecord(choice) || (typeof choice.index === 'number' && choice.index > 0)) continue
    const logprobs = logprobsOf(choice.logprobs)
    const whole = !isRecord(choice.delta)
    for (const piece of readDelta(whole ? choice.message : choice.delta, logprobs))
      yield whole && 'text' in piece ? { ...piece, whole } : piece
    if (typeof choice.text === 'string' && choice.text !== '')
      yield {
        kind: 'content',
        text: choice.text,
        ...(logprobs.content ? { logprobs: logprobs.content } : {}),
      }
    if (typeof choice.finish_reason === 'string')
      // vLLM names the stop string, too.
      yield { ...finishOf(choice.finish_reason), ...stopIn(choice.stop_reason) }
  }
  if (isRecord(usage)) yield { kind: 'usage', usage: usageOf(usage) }
}

function* readDelta(
  delta: unknown,
  logprobs: { thinking?: TokenLogprob[] | undefined; content?: TokenLogprob[] | undefined },
): Generator<Piece> {
  if (!isRecord(delta)) return
  const { thinking, content: text } = textsIn(delta)
  // llama.cpp lists those of the thinking as those of the content.
  const ofThinking = logprobs.thinking ?? (text === '' ? logprobs.content : undefined)
  if (thinking !== '')
    yield { kind: 'thinking', text: thinking, ...(ofThinking ? { logprobs: ofThinking } : {}) }
  if (text !== '')
    yield { kind: 'content', text, ...(logprobs.content ? { logprobs: logprobs.content } : {}) }
  for (const [i, call] of (Array.isArray(delta.tool_calls) ? delta.tool_calls : []).entries())
    if (isRecord(call)) yield callOf(call, i)
  // The field for a single call that came before `tool_calls`.
  if (isRecord(delta.function_call)) yield callOf({ function: delta.function_call }, 0)
}

function callOf({ index, id, function: called }: Record<string, unknown>, position: number): CallPart {
  const { name, arguments: given } = isRecord(called) ? called : {}
  return {
    kind: 'call',
    // Servers without an index send each call whole, with an id of its own.
    call: typeof index === 'number' ? index : typeof id === 'string' && id !== '' ? id : position,
    ...(typeof id === 'string' && id !== '' ? { id } : {}),
    ...(typeof name === 'string' && name !== '' ? { name } : {}),
    ...(typeof given === 'string' || isRecord(given) ? { arguments: given } : {}),
  }
}

const REASONS: Readonly<Record<string, FinishPart['reason']>> = {
  stop: 'stop',
  eos: 'stop',
  eos_token: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  max_tokens: 'length',
  // Mistral
  model_length: 'length',
  content_filter: 'content_filter',
  // GLM
  sensitive: 'content_filter',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
}
const finishOf = (word: string): FinishPart => ({
  kind: 'finish',
  reason: REASONS[word.toLowerCase()] ?? 'failed',
  word,
})

function usageOf(usage: Record<string, unknown>): Partial<TextUsage> {
  const prompt = isRecord(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {}
  const completion = isRecord(usage.completion_tokens_details) ? usage.completion_tokens_details : {}
  return {
    promptTokens: countOf(usage.prompt_tokens),
    cachedTokens: countOf(prompt.cached_tokens) ?? countOf(usage.prompt_cache_hit_tokens),
    completionTokens: countOf(usage.completion_tokens),
    thinkingTokens: countOf(completion.reasoning_tokens) ?? countOf(usage.reasoning_tokens),
  }
}

/** Log-probabilities of chat completions (objects), or of completions (parallel lists). */
function logprobsOf(logprobs: unknown): { thinking?: TokenLogprob[]; content?: TokenLogprob[] } {
  if (!isRecord(logprobs)) return {}
  if (Array.isArray(logprobs.tokens)) {
    const { tokens, token_logprobs, top_logprobs } = logprobs
    const of = (list: unknown, i: number): unknown => (Array.isArray(list) ? list[i] : undefined)
    return {
      content: tokens.flatMap((token, i) => {
        const logprob = of(token_logprobs, i)
        const top = of(top_logprobs, i)
        return typeof logprob === 'number'
          ? [{ token: textOf(token), logprob, top: isRecord(top) ? ranked(Object.entries(top)) : [] }]
          : []
      }),
    }
  }
  const read = (list: unknown[]) => list.flatMap((entry) => tokenLogprob(entry))
  return {
    ...(Array.isArray(logprobs.reasoning_content) ? { thinking: read(logprobs.reasoning_content) } : {}),
    ...(Array.isArray(logprobs.content) ? { content: read(logprobs.content) } : {}),
  }
}

/** A token's log-probability as OpenAI and Ollama write it. */
export function tokenLogprob(entry: unknown): TokenLogprob[] {
  if (!isRecord(entry) || typeof entry.logprob !== 'number') return []
  const top = Array.isArray(entry.top_logprobs) ? entry.top_logprobs : []
  return [
    {
      token: textOf(entry.token),
      logprob: entry.logprob,
      top: ranked(top.flatMap((other) => (isRecord(other) ? [[textOf(other.token), other.logprob]] : []))),
    },
  ]
}

const ranked = (pairs: readonly (readonly unknown[])[]) =>
  pairs
    .flatMap(([token, logprob]) =>
      typeof token === 'string' && typeof logprob === 'number' ? [{ token, logprob }] : [],
    )
    .sort((a, b) => b.logprob - a.logprob)

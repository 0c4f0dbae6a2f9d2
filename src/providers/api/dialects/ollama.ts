import { UserError } from '../../../common/errors.ts'
import { isRecord } from '../../../common/json.ts'
import type { Message, TextRequest } from '../../../thinking/model.ts'
import { countOf, type Dialect, type FinishPart, type Piece, textOf, textsIn } from './dialect.ts'
import { tokenLogprob } from './openai.ts'
import { calledFunction, prefixText, seedOf } from './requests.ts'

/** Ollama's own API: `/api/chat`, and `/api/generate` for text that is continued as it stands. */
export function ollamaDialect(): Dialect {
  return {
    headers: (key): Record<string, string> => (key === null ? {} : { authorization: `Bearer ${key}` }),
    request(request, { model, stream }) {
      if (Object.keys(request.templateArguments ?? {}).length > 0)
        throw new UserError('Ollama takes no arguments of the chat template; leave them out')
      const { options, ...extra } = request.extra ?? {}
      const { logprobs, prompt, prefix, tools } = request
      const common = {
        model,
        stream,
        options: { seed: seedOf(request), ...sampling(request), ...(isRecord(options) ? options : {}) },
        ...(logprobs == null ? {} : { logprobs: true, top_logprobs: logprobs }),
      }
      if (prompt !== undefined)
        return {
          path: '/api/generate',
          body: { ...common, prompt: prompt + prefixText(prefix), raw: true, ...extra },
        }
      const begun = prefixText(prefix)
      return {
        path: '/api/chat',
        body: {
          ...common,
          messages: [
            ...request.messages.map(messageOf),
            ...(begun === '' ? [] : [{ role: 'assistant', content: begun }]),
          ],
          ...(tools && tools.length > 0 ? { tools } : {}),
          ...thinkField(request),
          ...extra,
        },
      }
    },
    reader: () => reader(),
  }
}

const sampling = ({ temperature, topP, topK, minP, stop, maxTokens }: TextRequest) => ({
  ...(maxTokens == null ? {} : { num_predict: maxTokens }),
  ...(temperature == null ? {} : { temperature }),
  ...(topP == null ? {} : { top_p: topP }),
  ...(topK == null ? {} : { top_k: topK }),
  ...(minP == null ? {} : { min_p: minP }),
  ...(stop && stop.length > 0 ? { stop } : {}),
})

/** `think` is true, false, or for some models a level. */
function thinkField({ thinking, effort }: TextRequest): { think?: boolean | string } {
  if (thinking === false || (effort === 'none' && thinking == null)) return { think: false }
  if (effort != null && effort !== 'none') return { think: effort }
  return thinking === true ? { think: true } : {}
}

/** A message in Ollama's form: thinking has another name, and the arguments of calls are objects. */
function messageOf(message: Message): Record<string, unknown> {
  const { role, content, reasoning_content, tool_calls = [], name } = message
  return {
    role,
    content,
    ...(reasoning_content ? { thinking: reasoning_content } : {}),
    ...(role === 'tool' && name ? { tool_name: name } : {}),
    ...(tool_calls.length > 0
      ? {
          tool_calls: tool_calls.map((call) => {
            const { name, arguments: values } = calledFunction(call)
            return { function: { name, arguments: values } }
          }),
        }
      : {}),
  }
}

/** Reads a line of a stream, or a whole reply, of `/api/chat` or `/api/generate`. */
function reader(): ReturnType<Dialect['reader']> {
  let calls = 0
  return function* (message): Generator<Piece> {
    const said = isRecord(message.message) ? message.message : message
    const logprobs = Array.isArray(message.logprobs) ? message.logprobs.flatMap(tokenLogprob) : []
    const { thinking, content } = textsIn(message)
    if (thinking !== '')
      yield { kind: 'thinking', text: thinking, ...(logprobs.length > 0 ? { logprobs } : {}) }
    if (content !== '')
      yield {
        kind: 'content',
        text: content,
        ...(logprobs.length > 0 && thinking === '' ? { logprobs } : {}),
      }
    for (const call of Array.isArray(said.tool_calls) ? said.tool_calls : []) {
      if (!isRecord(call) || !isRecord(call.function)) continue
      const { name, arguments: given } = call.function
      yield {
        kind: 'call',
        call: calls++,
        ...(typeof call.id === 'string' ? { id: call.id } : {}),
        name: textOf(name),
        arguments: isRecord(given) ? given : textOf(given),
      }
    }
    if (message.done !== true) return
    yield {
      kind: 'usage',
      usage: {
        promptTokens: countOf(message.prompt_eval_count),
        completionTokens: countOf(message.eval_count),
      },
    }
    yield finishOf(textOf(message.done_reason) || 'stop')
    yield { kind: 'last' }
  }
}

const REASONS: Readonly<Record<string, FinishPart['reason']>> = { stop: 'stop', length: 'length' }
const finishOf = (word: string): FinishPart => ({ kind: 'finish', reason: REASONS[word] ?? 'failed', word })

import { UserError } from '../../../common/errors.ts'
import { isRecord } from '../../../common/json.ts'
import type { Message, TextRequest } from '../../../thinking/model.ts'
import { countOf, type Dialect, type FinishPart, type Piece, stopIn, textOf } from './dialect.ts'
import { calledFunction } from './requests.ts'

/** The API version whose format is sent and read. */
const VERSION = '2023-06-01'
/** Anthropic's API demands a longest response. */
const MAX_TOKENS = 8192
/** Tokens of thinking for an effort; the least that the API takes is 1,024. */
const BUDGETS: Readonly<Record<string, number>> = { minimal: 1024, low: 1024, medium: 4096, high: 16384 }
/** How many signatures of thinking are kept, so that it can be given back with the calls that followed it. */
const SIGNATURES = 1000

/** Anthropic's Messages. */
export function anthropicDialect(): Dialect {
  /** Signatures of thinking blocks, by their text: without them the API does not take the thinking back. */
  const signatures = new Map<string, string>()
  const keep = (thinking: string, signature: string) => {
    signatures.set(thinking, signature)
    if (signatures.size > SIGNATURES) signatures.delete(signatures.keys().next().value!)
  }
  return {
    headers: (key) => ({
      'anthropic-version': VERSION,
      ...(key === null ? {} : { 'x-api-key': key }),
    }),
    request(request, { model, stream }) {
      if (request.prompt !== undefined)
        throw new UserError('Anthropic continues no text without a conversation; give messages')
      if (request.minP != null) throw new UserError('Anthropic has no min_p; leave it out')
      if (Object.keys(request.templateArguments ?? {}).length > 0)
        throw new UserError('Anthropic takes no arguments of the chat template; leave them out')
      const system = request.messages.filter(({ role }) => role === 'system' || role === 'developer')
      const { stop, tools, temperature, topP, topK } = request
      return {
        path: '/v1/messages',
        body: {
          model,
          stream,
          ...thinkingFields(request),
          ...(system.length > 0 ? { system: system.map(({ content }) => content).join('\n\n') } : {}),
          messages: merged(request.messages, signatures),
          ...(temperature == null ? {} : { temperature }),
          ...(topP == null ? {} : { top_p: topP }),
          ...(topK == null ? {} : { top_k: topK }),
          ...(stop && stop.length > 0 ? { stop_sequences: stop } : {}),
          ...(tools && tools.length > 0 ? { tools: tools.map(toolOf) } : {}),
          ...request.extra,
        },
      }
    },
    reader: () => reader(keep),
  }
}

/** `max_tokens` includes the thinking, and must be larger than its budget. */
function thinkingFields({ thinking, effort, maxTokens }: TextRequest): Record<string, unknown> {
  const off = thinking === false || (effort === 'none' && thinking == null)
  if (off) return { max_tokens: maxTokens ?? MAX_TOKENS, thinking: { type: 'disabled' } }
  if (thinking !== true && effort == null) return { max_tokens: maxTokens ?? MAX_TOKENS }
  const wanted = BUDGETS[effort ?? 'medium'] ?? BUDGETS.high!
  if (maxTokens == null)
    return { max_tokens: wanted + MAX_TOKENS, thinking: { type: 'enabled', budget_tokens: wanted } }
  if (maxTokens <= 1024)
    throw new UserError(
      `Anthropic thinks for at least 1024 tokens, so the longest response must be larger than 1024; it is ${maxTokens}`,
    )
  return {
    max_tokens: maxTokens,
    thinking: { type: 'enabled', budget_tokens: Math.min(wanted, maxTokens - 1) },
  }
}

/** OpenAI's definition of a tool in Anthropic's form. */
function toolOf(tool: unknown): unknown {
  const called = isRecord(tool) && isRecord(tool.function) ? tool.function : null
  if (called === null) return tool
  const { name, description, parameters } = called
  return { name, ...(description ? { description } : {}), input_schema: parameters ?? { type: 'object' } }
}

type Block = Record<string, unknown>

/** The conversation as turns that alternate: the results of tools belong to the user's turn. */
function merged(messages: readonly Message[], signatures: ReadonlyMap<string, string>): unknown[] {
  const turns: { role: string; content: Block[] }[] = []
  for (const message of messages) {
    if (message.role === 'system' || message.role === 'developer') continue
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const blocks = blocksOf(message, signatures)
    const last = turns.at(-1)
    if (last?.role === role) last.content.push(...blocks)
    else turns.push({ role, content: blocks })
  }
  return turns.map(({ role, content }) => {
    const only = content.length === 1 ? content[0]! : null
    return { role, content: only?.type === 'text' ? only.text : content }
  })
}

function blocksOf(
  { role, content, reasoning_content, tool_calls = [], tool_call_id }: Message,
  signatures: ReadonlyMap<string, string>,
): Block[] {
  if (role === 'tool') return [{ type: 'tool_result', tool_use_id: tool_call_id, content }]
  const signature = signatures.get(reasoning_content?.trim() ?? '')
  return [
    ...(signature === undefined
      ? []
      : [{ type: 'thinking', thinking: reasoning_content?.trim(), signature }]),
    ...(content === '' && tool_calls.length > 0 ? [] : [{ type: 'text', text: content }]),
    ...tool_calls.map((call) => {
      const { id, name, arguments: input } = calledFunction(call)
      return { type: 'tool_use', id, name, input }
    }),
  ]
}

/** Reads the events of a stream, or a whole message. */
function reader(keep: (thinking: string, signature: string) => void): ReturnType<Dialect['reader']> {
  const thinking = new Map<number, string>()
  function* block(at: number, { type, ...fields }: Block): Generator<Piece> {
    if (type === 'text' && textOf(fields.text) !== '') yield { kind: 'content', text: textOf(fields.text) }
    if (type === 'thinking') {
      yield* think(at, textOf(fields.thinking))
      sign(at, textOf(fields.signature))
    }
    if (type === 'tool_use')
      yield {
        kind: 'call',
        call: at,
        id: textOf(fields.id),
        name: textOf(fields.name),
        // In a stream it is empty here and follows as JSON.
        ...(isRecord(fields.input) && Object.keys(fields.input).length > 0
          ? { arguments: fields.input }
          : {}),
      }
  }
  function* think(at: number, text: string): Generator<Piece> {
    thinking.set(at, (thinking.get(at) ?? '') + text)
    if (text !== '') yield { kind: 'thinking', text }
  }
  const sign = (at: number, signature: string) => {
    const text = thinking.get(at)?.trim()
    if (text && signature !== '') keep(text, signature)
  }
  function* delta(at: number, { type, ...fields }: Block): Generator<Piece> {
    if (type === 'text_delta' && textOf(fields.text) !== '')
      yield { kind: 'content', text: textOf(fields.text) }
    if (type === 'thinking_delta') yield* think(at, textOf(fields.thinking))
    if (type === 'signature_delta') sign(at, textOf(fields.signature))
    if (type === 'input_json_delta') yield { kind: 'call', call: at, arguments: textOf(fields.partial_json) }
  }
  return function* (message) {
    const { type, index, content_block, delta: change, message: begun, content, usage, stop_reason } = message
    const at = typeof index === 'number' ? index : 0
    if (type === 'content_block_start' && isRecord(content_block)) yield* block(at, content_block)
    if (type === 'content_block_delta' && isRecord(change)) yield* delta(at, change)
    if (type === 'message_start' && isRecord(begun) && isRecord(begun.usage)) yield usageOf(begun.usage)
    if (type === 'message_delta') {
      if (isRecord(usage)) yield usageOf(usage)
      if (isRecord(change) && typeof change.stop_reason === 'string')
        yield { ...finishOf(change.stop_reason), ...stopIn(change.stop_sequence) }
    }
    if (type === 'message_stop') yield { kind: 'last' }
    if (Array.isArray(content)) {
      for (const [i, part] of content.entries()) if (isRecord(part)) yield* block(i, part)
      if (isRecord(usage)) yield usageOf(usage)
      if (typeof stop_reason === 'string')
        yield { ...finishOf(stop_reason), ...stopIn(message.stop_sequence) }
    }
  }
}

const REASONS: Readonly<Record<string, FinishPart['reason']>> = {
  end_turn: 'stop',
  pause_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
}
const finishOf = (word: string): FinishPart => ({ kind: 'finish', reason: REASONS[word] ?? 'failed', word })

function usageOf(usage: Record<string, unknown>): Piece {
  const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens, output_tokens } = usage
  const details = isRecord(usage.output_tokens_details) ? usage.output_tokens_details : {}
  const input = countOf(input_tokens)
  const read = countOf(cache_read_input_tokens)
  return {
    kind: 'usage',
    usage: {
      // input_tokens counts neither what was read from the cache nor what was written to it.
      promptTokens: input === null ? null : input + (read ?? 0) + (countOf(cache_creation_input_tokens) ?? 0),
      cachedTokens: read,
      completionTokens: countOf(output_tokens),
      thinkingTokens: countOf(details.thinking_tokens),
    },
  }
}

import { z } from 'zod'
import type { Message } from '../../../thinking/model.ts'
import { RequestError, said } from '../../problem.ts'
import { unsigned } from './signature.ts'

/* What a conversation is in the Anthropic dialect, and the same conversation in the fields of the text port. */

const text = z.looseObject({ type: z.literal('text'), text: z.string() })
const textOrBlocks = z.union([z.string(), z.array(z.looseObject({ type: z.string() }))])

export const systemSchema = textOrBlocks
export const messageSchema = z.looseObject({
  role: z.enum(['user', 'assistant', 'system']),
  content: textOrBlocks,
})

type Content = z.infer<typeof textOrBlocks>
type Block = Exclude<Content, string>[number]

const blocks = {
  text,
  thinking: z.looseObject({ thinking: z.string(), signature: z.string().optional() }),
  toolUse: z.looseObject({ id: z.string(), name: z.string(), input: z.record(z.string(), z.unknown()) }),
  toolResult: z.looseObject({ tool_use_id: z.string(), content: textOrBlocks.nullish() }),
  document: z.looseObject({
    title: z.string().nullish(),
    source: z.looseObject({ type: z.literal('text'), data: z.string() }),
  }),
}

/**
 * The messages of a request, its system prompt first. Consecutive messages of the user or of the assistant become one, as
 * in Anthropic's API; a result of a tool becomes a message of its own.
 *
 * @throws RequestError for content that is not text, such as an image.
 */
export function messagesOf(
  system: Content | undefined,
  messages: readonly z.infer<typeof messageSchema>[],
): Message[] {
  const names = new Map<string, string>()
  const result: Message[] = []
  if (system !== undefined && system.length > 0)
    result.push({ role: 'system', content: plain(system, 'system') })
  for (const [index, { role, content }] of messages.entries()) {
    const field = `messages[${index}].content`
    const said =
      role === 'assistant'
        ? assistant(content, field, names)
        : role === 'user'
          ? user(content, field, names)
          : [{ role, content: plain(content, field) }]
    for (const message of said) {
      const before = result.at(-1)
      if (
        before &&
        before.role === message.role &&
        (role === 'user' || role === 'assistant') &&
        message.role !== 'tool'
      )
        result[result.length - 1] = merged(before, message)
      else result.push(message)
    }
  }
  return result
}

function assistant(content: Content, field: string, names: Map<string, string>): Message[] {
  if (typeof content === 'string') return [{ role: 'assistant', content }]
  const [said, thought, calls]: [string[], string[], object[]] = [[], [], []]
  for (const [index, block] of content.entries()) {
    const at = `${field}[${index}]`
    if (block.type === 'text') said.push(read(blocks.text, block, at).text)
    else if (block.type === 'thinking') thought.push(unsigned(read(blocks.thinking, block, at)))
    else if (block.type === 'tool_use') {
      const { id, name, input } = read(blocks.toolUse, block, at)
      names.set(id, name)
      calls.push({ id, type: 'function', function: { name, arguments: input } })
    } else if (block.type !== 'redacted_thinking') throw unsupported(block, at)
  }
  const thinking = thought.filter((one) => one !== '').join('\n\n')
  return [
    {
      role: 'assistant',
      content: said.join(''),
      ...(thinking === '' ? {} : { reasoning_content: thinking }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
  ]
}

function user(content: Content, field: string, names: ReadonlyMap<string, string>): Message[] {
  if (typeof content === 'string') return [{ role: 'user', content }]
  const result: Message[] = []
  for (const [index, block] of content.entries()) {
    const at = `${field}[${index}]`
    if (block.type === 'tool_result') {
      const { tool_use_id: id, content: answer } = read(blocks.toolResult, block, at)
      const name = names.get(id)
      if (name === undefined)
        throw new RequestError('invalid', `${at}: there is no tool_use block with the id "${id}" before it`, {
          field: `${at}.tool_use_id`,
        })
      result.push({ role: 'tool', content: plain(answer ?? '', `${at}.content`), name, tool_call_id: id })
      continue
    }
    const message = { role: 'user', content: piece(block, at) }
    const before = result.at(-1)
    if (before?.role === 'user') result[result.length - 1] = merged(before, message)
    else result.push(message)
  }
  return result
}

/** Content that is text alone. */
function plain(content: Content, field: string): string {
  if (typeof content === 'string') return content
  return content.map((block, index) => piece(block, `${field}[${index}]`)).join('\n\n')
}

function piece(block: Block, field: string): string {
  if (block.type === 'text') return read(blocks.text, block, field).text
  if (block.type !== 'document') throw unsupported(block, field)
  const document = blocks.document.safeParse(block)
  if (!document.success)
    throw new RequestError(
      'invalid',
      `${field}: only documents of plain text (source.type "text") can be read`,
      {
        field,
      },
    )
  const { title, source } = document.data
  return title ? `${title}\n\n${source.data}` : source.data
}

function merged(before: Message, next: Message): Message {
  const join = (a: string | undefined, b: string | undefined): string =>
    [a, b].filter((one) => one !== undefined && one !== '').join('\n\n')
  const thinking = join(before.reasoning_content, next.reasoning_content)
  const calls = [...(before.tool_calls ?? []), ...(next.tool_calls ?? [])]
  return {
    role: before.role,
    content: join(before.content, next.content),
    ...(thinking === '' ? {} : { reasoning_content: thinking }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  }
}

function read<T>(schema: z.ZodType<T>, block: Block, field: string): T {
  const parsed = schema.safeParse(block)
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]!
  const at = [field, ...path.map(String)].join('.')
  throw new RequestError('invalid', `${at}: ${said(message)}`, { field: at })
}

function unsupported(block: Block, field: string): RequestError {
  const what =
    block.type === 'image'
      ? 'images are not supported'
      : `blocks of type "${block.type}" are not supported here`
  return new RequestError('invalid', `${field}: ${what}; the model reads text only`, { field })
}

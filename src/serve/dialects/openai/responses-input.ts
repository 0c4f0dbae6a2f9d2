import { z } from 'zod'
import type { Message } from '../../../thinking/model.ts'
import { RequestError, said } from '../../problem.ts'
import { argumentsOf, content, roleOf, textOf } from './shared.ts'

/* Input items of OpenAI's Responses as messages. What the assistant said in several items is one message. */

const message = z.looseObject({
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: content.nullish(),
})
const texts = z.array(z.looseObject({ text: z.string() }))
const reasoning = z.looseObject({ content: texts.nullish(), summary: texts.nullish() })
const call = z.looseObject({ call_id: z.string(), name: z.string(), arguments: z.string().nullish() })
const output = z.looseObject({ call_id: z.string(), output: content.nullish() })

interface Said {
  thinking: string
  content: string
  calls: object[]
}

/**
 * The messages of a conversation.
 *
 * @throws RequestError for an item that is not part of one, or has not its form.
 */
export function messagesOf(
  input: string | readonly Readonly<Record<string, unknown>>[],
  instructions: string | null | undefined,
): Message[] {
  const messages: Message[] = instructions ? [{ role: 'system', content: instructions }] : []
  if (typeof input === 'string') return [...messages, { role: 'user', content: input }]
  let said: Said | null = null
  const saying = (): Said => {
    said ??= { thinking: '', content: '', calls: [] }
    return said
  }
  const finish = (): void => {
    if (said !== null)
      messages.push({
        role: 'assistant',
        content: said.content,
        ...(said.thinking !== '' ? { reasoning_content: said.thinking } : {}),
        ...(said.calls.length > 0 ? { tool_calls: said.calls } : {}),
      })
    said = null
  }
  const names = new Map<string, string>()
  for (const [i, item] of input.entries()) {
    const field = `input[${i}]`
    switch (item.type ?? 'message') {
      case 'message': {
        const { role, content } = read(message, item, field)
        const text = textOf(content, `${field}.content`)
        if (role === 'assistant') {
          // a second text is a message of its own
          if (said !== null && (saying().content !== '' || saying().calls.length > 0)) finish()
          saying().content = text
        } else {
          finish()
          messages.push({ role: roleOf(role), content: text })
        }
        break
      }
      case 'reasoning': {
        const { content, summary } = read(reasoning, item, field)
        if (said !== null && (saying().content !== '' || saying().calls.length > 0)) finish()
        const parts = content?.length ? content : (summary ?? [])
        saying().thinking += parts.map(({ text }) => text).join('\n\n')
        break
      }
      case 'function_call': {
        const { call_id, name, arguments: written } = read(call, item, field)
        names.set(call_id, name)
        saying().calls.push({
          id: call_id,
          type: 'function',
          function: { name, arguments: argumentsOf(written, `${field}.arguments`) },
        })
        break
      }
      case 'function_call_output': {
        finish()
        const { call_id, output: result } = read(output, item, field)
        const name = names.get(call_id)
        messages.push({
          role: 'tool',
          content: textOf(result, `${field}.output`),
          tool_call_id: call_id,
          ...(name === undefined ? {} : { name }),
        })
        break
      }
      default:
        throw new RequestError(
          'invalid',
          `${field}: items of type ${JSON.stringify(String(item.type).slice(0, 40))} are not supported; this server takes messages, reasoning, function calls and their outputs`,
          { field },
        )
    }
  }
  finish()
  // reasoning that nothing follows says nothing
  return messages.filter(
    ({ role, content, tool_calls }) => role !== 'assistant' || content !== '' || tool_calls !== undefined,
  )
}

function read<T>(schema: z.ZodType<T>, item: unknown, field: string): T {
  const { data, error } = schema.safeParse(item)
  if (data !== undefined) return data
  const { path, message } = error!.issues[0]!
  const place = [field, ...path.map(String)].join('.')
  throw new RequestError('invalid', `${place}: ${said(message)}`, { field: place })
}

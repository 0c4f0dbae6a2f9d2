import type { ChatMessage } from './messages.ts'

/**
 * The messages in the forms in which a template may expect tool calls: with an empty content beside them or none, and with
 * their arguments as an object or as text. Messages without tool calls have one form.
 */
export function* callForms(messages: readonly ChatMessage[]): Generator<readonly ChatMessage[]> {
  const calls = messages.some(({ tool_calls }) => tool_calls !== undefined)
  for (const empty of calls ? ['', null] : [''])
    for (const asText of calls ? [false, true] : [false])
      yield messages.map((message) =>
        message.tool_calls === undefined
          ? message
          : {
              ...message,
              // templates also take what the type of a message excludes
              content: message.content === '' ? (empty as string) : message.content,
              tool_calls: asText ? message.tool_calls.map(withTextArguments) : message.tool_calls,
            },
      )
}

function withTextArguments(call: unknown): unknown {
  const { function: called, ...rest } = call as { function: { name: string; arguments: unknown } }
  return { ...rest, function: { ...called, arguments: jsonText(called.arguments) } }
}

/** JSON as Python writes it, with a space after each comma and colon. */
function jsonText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonText).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}: ${jsonText(inner)}`)
  return `{${entries.join(', ')}}`
}

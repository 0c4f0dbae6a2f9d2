import { Unusable } from './rows.ts'

/** A tool call in OpenAI's form, with its arguments as an object, as chat templates read it. */
export interface ToolCall {
  readonly id?: string
  readonly type: 'function'
  readonly function: { readonly name: string; readonly arguments: Fields }
}

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads the tool calls of a message: one or a list, in OpenAI's form or as `{"name": …, "arguments": …}`, or JSON text of
 * these. Arguments may be an object, or its JSON text.
 *
 * @throws Unusable with a reason that continues "message 2".
 */
export function readToolCalls(value: unknown): ToolCall[] {
  return listOf(fromText(value, ': its tool calls are')).map((call, i) => {
    const called = (call?.function ?? call) as Fields | null
    const name = called?.name
    if (typeof name !== 'string' || name === '') throw new Unusable(`: its tool call ${i + 1} has no name`)
    const which = `: the arguments of its tool call ${i + 1} are`
    const given = fromText(called!.arguments ?? called!.parameters, which) ?? {}
    if (typeof given !== 'object' || Array.isArray(given)) throw new Unusable(`${which} not an object`)
    return {
      ...(typeof call?.id === 'string' ? { id: call.id } : {}),
      type: 'function',
      function: { name, arguments: plain(given) as Fields },
    }
  })
}

/** The tools of a row, in OpenAI's form. @throws Unusable for a value that is no list of functions. */
export function readTools(value: unknown): unknown[] {
  return listOf(fromText(value, '"tools" is')).map((tool, i) => {
    const described = (tool?.function ?? tool) as Fields | null
    if (typeof described?.name !== 'string') throw new Unusable(`tool ${i + 1} of "tools" has no name`)
    return plain(tool?.function === undefined ? { type: 'function', function: tool } : tool)
  })
}

const listOf = (value: unknown): (Fields | null)[] =>
  value == null ? [] : Array.isArray(value) ? value : [value as Fields]

/** The value that JSON text holds; null for empty text. */
function fromText(value: unknown, what: string): unknown {
  if (typeof value !== 'string') return value
  if (value.trim() === '') return null
  try {
    return JSON.parse(value)
  } catch (error) {
    throw new Unusable(`${what} not JSON (${(error as Error).message})`)
  }
}

/** A value as in JSON: the integers of Parquet are numbers, or text if they would lose digits. */
function plain(value: unknown): unknown {
  const json = JSON.stringify(value, (_, one) => {
    if (typeof one !== 'bigint') return one
    return Number.isSafeInteger(Number(one)) ? Number(one) : String(one)
  })
  return JSON.parse(json)
}

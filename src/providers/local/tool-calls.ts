import { isRecord, parseJson } from '../../common/json.ts'
import type { ToolCall } from '../../thinking/model.ts'
import { overlap } from './stop-strings.ts'

/** A call as a model writes it. */
export type WrittenCall = Pick<ToolCall, 'name' | 'arguments'>

/** How a model writes calls of tools into its answer. */
export interface CallFormat {
  readonly name: string
  /** Begins a call, or several; null: the whole answer is a call, or no part of it. */
  readonly start: string | null
  /** Ends what `start` began; null: the end of the answer. */
  readonly end: string | null
  /** The calls in the text between; null if it is not written as it must be. */
  read(body: string, tools: readonly unknown[]): readonly WrittenCall[] | null
}

/** Calls between two delimiters, in any of the forms that models write there. */
const tagged = (name: string, start: string, end: string): CallFormat => ({
  name,
  start,
  end,
  read: (body, tools) =>
    jsonCalls(body) ?? functionTags(body, tools) ?? invokeTags(body, tools) ?? keysAndValues(body, tools),
})

/** The forms that chat templates define. */
export const CALL_FORMATS: readonly CallFormat[] = [
  // Hermes, Qwen, GLM, Nemotron 3 and many others
  tagged('hermes', '<tool_call>', '</tool_call>'),
  tagged('seed-oss', '<seed:tool_call>', '</seed:tool_call>'),
  tagged('minimax', '<minimax:tool_call>', '</minimax:tool_call>'),
  tagged('minimax-m1', '<tool_calls>', '</tool_calls>'),
  tagged('nemotron', '<TOOLCALL>', '</TOOLCALL>'),
  tagged('cohere', '<|START_ACTION|>', '<|END_ACTION|>'),
  tagged('deepseek-v3.2', '<｜DSML｜function_calls>', '</｜DSML｜function_calls>'),
  // Phi-4 and Granite
  {
    name: 'granite',
    start: '<|tool_call|>',
    end: null,
    read: (body) => jsonCalls(body.replace('<|/tool_call|>', '')),
  },
  {
    name: 'mistral',
    start: '[TOOL_CALLS]',
    end: null,
    read: (body) =>
      jsonCalls(body) ??
      namedCalls(body.split('[TOOL_CALLS]'), /^([^[{]+)(?:\[CALL_ID\][^[]*)?(?:\[ARGS\])?(\{[\s\S]*\})$/),
  },
  {
    // R1 and V3: "function", the name, and a block of JSON; V3.1: the name and JSON
    name: 'deepseek',
    start: '<｜tool▁calls▁begin｜>',
    end: '<｜tool▁calls▁end｜>',
    read: (body) =>
      namedCalls(
        between(body, '<｜tool▁call▁begin｜>', '<｜tool▁call▁end｜>'),
        /^(?:function<｜tool▁sep｜>)?(.+?)(?:<｜tool▁sep｜>|\n```json\n)([\s\S]*?)(?:\n```)?$/,
      ),
  },
  {
    name: 'kimi',
    start: '<|tool_calls_section_begin|>',
    end: '<|tool_calls_section_end|>',
    read: (body) =>
      namedCalls(
        between(body, '<|tool_call_begin|>', '<|tool_call_end|>'),
        /^(?:functions\.)?(.+?)(?::\d+)?<\|tool_call_argument_begin\|>([\s\S]*)$/,
      ),
  },
  {
    // Llama 3.1: JSON alone, of a function that it was given
    name: 'llama',
    start: null,
    end: null,
    read: (body, tools) => {
      const calls = jsonCalls(body.replace('<|python_tag|>', ''))
      return calls?.every(({ name }) => schemaOf(tools, name) !== undefined) ? calls : null
    },
  },
]

/** What an answer consists of. */
export type AnswerPart = { readonly text: string } | { readonly call: WrittenCall }

/**
 * Finds the calls of tools in an answer, piece by piece. A call that is not written as it must be stays text. White space
 * around calls is left out.
 */
export class CallReader {
  readonly #format: CallFormat
  readonly #tools: readonly unknown[]
  /** The text of the call under way, after its start; null outside a call. */
  #body: string | null = null
  /** The white space before it. */
  #space = ''
  #held = ''
  #before = true
  #called = false

  constructor(format: CallFormat, tools: readonly unknown[]) {
    this.#format = format
    this.#tools = tools
  }

  push(piece: string): AnswerPart[] {
    const { start, end } = this.#format
    const parts: AnswerPart[] = []
    this.#held += piece
    for (;;) {
      if (this.#body === null) {
        if (start === null) {
          const begun = this.#held.trimStart()
          const python = '<|python_tag|>'
          if (!this.#before) return [...parts, ...this.#text(this.#held.length)]
          if (begun === '' || (python.startsWith(begun) && begun !== python)) return parts
          this.#before = false
          if (!begun.startsWith('{') && !begun.startsWith(python)) continue
          this.#body = ''
          continue
        }
        const at = this.#held.indexOf(start)
        if (at < 0) {
          const kept = this.#held.slice(0, this.#held.length - overlap(this.#held, start))
          return [...parts, ...this.#text(kept.trimEnd().length)]
        }
        const before = this.#held.slice(0, at)
        parts.push(...this.#text(before.trimEnd().length))
        this.#space = before.slice(before.trimEnd().length)
        this.#held = this.#held.slice(this.#held.indexOf(start) + start.length)
        this.#body = ''
      }
      const at = end === null ? -1 : this.#held.indexOf(end)
      if (at < 0) return parts
      parts.push(...this.#calls(this.#held.slice(0, at), end!))
      this.#held = this.#held.slice(at + end!.length)
      this.#body = null
    }
  }

  end(): AnswerPart[] {
    const rest = this.#held
    this.#held = ''
    if (this.#body !== null) return this.#calls(rest, '')
    const blank = rest.trim() === '' && this.#called
    return rest === '' || blank ? [] : [{ text: rest }]
  }

  #calls(body: string, end: string): AnswerPart[] {
    const calls = this.#format.read(body.trim(), this.#tools)
    if (calls !== null && calls.length > 0) {
      this.#called = true
      return calls.map((call) => ({ call }))
    }
    return [{ text: `${this.#space}${this.#format.start ?? ''}${body}${end}` }]
  }

  #text(length: number): AnswerPart[] {
    const text = this.#held.slice(0, length)
    this.#held = this.#held.slice(length)
    return text === '' ? [] : [{ text }]
  }
}

/** One call as JSON, a list of them, or several with lines or semicolons between them. */
function jsonCalls(text: string): WrittenCall[] | null {
  const whole = parseJson(text)
  const items = whole === undefined ? text.split(/;\s*(?=\{)|\n+(?=\{)/).map(parseJson) : [whole].flat()
  const calls = items.map(jsonCall)
  return calls.every((call) => call !== null) ? calls : null
}

function jsonCall(value: unknown): WrittenCall | null {
  if (!isRecord(value)) return null
  const { name = value.tool_name, ...rest } = isRecord(value.function) ? value.function : value
  const given = rest.arguments ?? rest.parameters ?? {}
  const values = typeof given === 'string' ? parseJson(given) : given
  return typeof name === 'string' && isRecord(values) ? { name, arguments: values } : null
}

/** Calls of a name and its arguments as JSON, by a pattern with a group for each. */
function namedCalls(texts: readonly string[], pattern: RegExp): WrittenCall[] | null {
  const calls = texts.map((text) => {
    const [, name, json] = pattern.exec(text.trim()) ?? []
    return name === undefined ? null : jsonCall({ name: name.trim(), arguments: json })
  })
  return calls.every((call) => call !== null) ? calls : null
}

/** `<function=NAME><parameter=KEY>VALUE</parameter>…</function>` */
function functionTags(body: string, tools: readonly unknown[]): WrittenCall[] | null {
  const calls = [...body.matchAll(/<function=([^>]+)>([\s\S]*?)<\/function>/g)].map(([, name, inner]) =>
    call(name!.trim(), [...inner!.matchAll(/<parameter=([^>]+)>\n?([\s\S]*?)\n?<\/parameter>/g)], tools),
  )
  return calls.length > 0 ? calls : null
}

/** `<invoke name="NAME"><parameter name="KEY">VALUE</parameter>…</invoke>` */
function invokeTags(body: string, tools: readonly unknown[]): WrittenCall[] | null {
  const plain = body.replaceAll('｜DSML｜', '')
  const calls = [...plain.matchAll(/<invoke name="([^"]+)">([\s\S]*?)<\/invoke>/g)].map(([, name, inner]) =>
    call(name!, [...inner!.matchAll(/<parameter name="([^"]+)"[^>]*>([\s\S]*?)<\/parameter>/g)], tools),
  )
  return calls.length > 0 ? calls : null
}

/** `NAME`, and then `<arg_key>KEY</arg_key><arg_value>VALUE</arg_value>` for each argument */
function keysAndValues(body: string, tools: readonly unknown[]): WrittenCall[] | null {
  const [, name, inner] = /^([\w.-]+)\s*((?:<arg_key>[\s\S]*)?)$/.exec(body) ?? []
  if (name === undefined) return null
  const pairs = inner!.matchAll(/<arg_key>([\s\S]*?)<\/arg_key>\s*<arg_value>([\s\S]*?)<\/arg_value>/g)
  return [call(name, [...pairs], tools)]
}

/** A call with arguments as text: what the tool's schema does not call a string is JSON, if it can be read as such. */
function call(name: string, pairs: readonly RegExpMatchArray[], tools: readonly unknown[]): WrittenCall {
  const properties = schemaOf(tools, name)?.properties
  const values = pairs.map(([, key, text]): [string, unknown] => {
    const schema = isRecord(properties) ? properties[key!.trim()] : undefined
    const isText = isRecord(schema) && schema.type === 'string'
    return [key!.trim(), isText ? text! : (parseJson(text!) ?? text!)]
  })
  return { name, arguments: Object.fromEntries(values) }
}

/** The schema of a tool's parameters, empty if it has none; undefined if there is no such tool. */
function schemaOf(tools: readonly unknown[], name: string): Record<string, unknown> | undefined {
  const tool = tools.map(functionOf).find((one) => one?.name === name)
  return tool ? (isRecord(tool.parameters) ? tool.parameters : {}) : undefined
}

/** The function of a tool in OpenAI's form. */
export const functionOf = (tool: unknown): Record<string, unknown> | null =>
  !isRecord(tool) ? null : isRecord(tool.function) ? tool.function : tool

const between = (text: string, start: string, end: string): string[] =>
  text
    .split(start)
    .slice(1)
    .map((part) => part.split(end)[0]!)

import type { ChatMessage } from './messages.ts'

/** What a message says, as its row has it. */
export interface Said {
  /** The thinking: that of its own field, or what comes before `</think>` in the content; '' if there is none. */
  readonly thinking: string
  /** The content without the thinking. */
  readonly content: string
  readonly calls: readonly Call[]
}

interface Call {
  readonly name: string
  readonly arguments: unknown
}

const OPENING = /^\s*<think>/
const CLOSING = '</think>'

/** What a message says. */
export function saidIn({ content: text, reasoning_content, tool_calls = [] }: ChatMessage): Said {
  const calls = tool_calls.map((call) => ((call as { function?: Call }).function ?? call) as Call)
  if (reasoning_content !== undefined) return { thinking: reasoning_content, content: text, calls }
  const end = text.indexOf(CLOSING)
  const before = end < 0 ? '' : text.slice(0, end)
  const thinks = end >= 0 && (OPENING.test(before) || !before.includes('<think>'))
  if (!thinks) return { thinking: '', content: text, calls }
  return { thinking: before.replace(OPENING, ''), content: text.slice(end + CLOSING.length), calls }
}

/**
 * The part of an answer that a text lacks: the thinking, the content, or a tool call with its name and arguments.
 * White space around the thinking and the content belongs to the template. Null if nothing is lost.
 */
export function lostFrom(text: string, { thinking, content, calls }: Said): string | null {
  const after = end(text, thinking.trim(), 0)
  if (after < 0) return 'thinking'
  if (end(text, content.trim(), after) < 0) return 'content'
  let at = after
  for (const { name, arguments: values } of calls) {
    at = end(text, name, at)
    if (at < 0 || leaves(values).some((leaf) => !holds(text.slice(at), leaf)))
      return `call of the tool ${name}`
  }
  return null
}

/** Whether a prompt shows what an earlier message says. Its thinking may be left out, as it often is; characters may be escaped. */
export function shows(prompt: string, message: ChatMessage): boolean {
  const { content, calls } = message.role === 'assistant' ? saidIn(message) : { ...message, calls: [] }
  const shown = plain(prompt)
  return [content, ...calls.map(({ name }) => name)].every((one) => shown.includes(plain(one)))
}

const plain = (text: string): string => text.replace(/[\s"'\\]+/g, '')

/** Position after `part` in a text at or after `from`; −1 if it is not there. */
function end(text: string, part: string, from: number): number {
  const at = text.indexOf(part, from)
  return at < 0 ? -1 : at + part.length
}

/** Names and values of arguments, as text. */
function leaves(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(leaves)
  if (typeof value !== 'object' || value === null)
    return value == null || typeof value === 'boolean' ? [] : [`${value}`]
  return Object.entries(value).flatMap(([name, inner]) => [name, ...leaves(inner)])
}

/** Whether a text holds an argument: as it is, or as JSON escapes it. */
function holds(text: string, leaf: string): boolean {
  const escaped = JSON.stringify(leaf).slice(1, -1)
  const ascii = escaped.replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return [leaf, escaped, ascii].some((form) => {
    for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1))
      if (!/\w/.test(text[at - 1] ?? '') || !/^\w/.test(form)) {
        if (!/\w/.test(text[at + form.length] ?? '') || !/\w$/.test(form)) return true
      }
    return form === ''
  })
}

import type { ChatMessage } from '../renderer/messages.ts'
import { Unusable } from './rows.ts'
import { readToolCalls } from './tool-calls.ts'

/** A message of a conversation to learn from. */
export interface LearnedMessage extends ChatMessage {
  /** 0: this answer of the assistant is context for later ones, and is not learned. */
  readonly weight?: 0
}

type Fields = Readonly<Record<string, unknown>>

/** The roles of OpenAI's form and of ShareGPT's, by the names that data sets use. */
const ROLES: Readonly<Record<string, string>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  human: 'user',
  assistant: 'assistant',
  gpt: 'assistant',
  chatgpt: 'assistant',
  model: 'assistant',
  bot: 'assistant',
  function_call: 'assistant',
  tool_call: 'assistant',
  tool: 'tool',
  function: 'tool',
  observation: 'tool',
  tool_response: 'tool',
  function_response: 'tool',
  ipython: 'tool',
}
/** Roles of ShareGPT's form whose text is a tool call as JSON. */
const CALLS = ['function_call', 'tool_call']
/** Fields that hold thinking. */
const THINKING = ['reasoning_content', 'reasoning', 'thinking'] as const
/** Whether an answer is learned: OpenAI's `weight`, axolotl's `train` and `training`, ms-swift's `loss`. */
const LEARNED = ['weight', 'train', 'training', 'loss'] as const
const READ = new Set([
  ...['role', 'from', 'content', 'value', 'name', 'tool_call_id', 'id', 'tool_calls', 'function_call'],
  ...THINKING,
  ...LEARNED,
])
/** Names of fields that hold something said that would be lost. */
const SAID = /^(reasoning|think|thought|rationale|refusal|audio|image|video|file|attachment|train_detail)/i
const OPENING_TAG = /^\s*<think>/

/**
 * The list in a cell that may hold messages: the value, a single message, or what JSON text (as in CSV) holds; null if it
 * is plain text or no list of objects with a role.
 */
export function messageList(value: unknown): readonly unknown[] | null {
  if (Array.isArray(value)) return value
  if (typeof value === 'object' && value !== null && ('role' in value || 'from' in value)) return [value]
  if (typeof value !== 'string' || !/^\s*\[\s*\{/.test(value)) return null
  try {
    const list = JSON.parse(value) as unknown[]
    return list.every((one) => typeof one === 'object' && one && ('role' in one || 'from' in one))
      ? list
      : null
  } catch {
    return null
  }
}

/**
 * Reads a list of messages in OpenAI's form (`role`, `content`) or ShareGPT's (`from`, `value`).
 *
 * @param name of the column, for messages.
 * @param unread receives the names of fields that are not read.
 * @throws Unusable for a value that is not a list of messages, and for a message whose text would be lost.
 */
export function readMessages(value: unknown, name: string, unread: Set<string>): LearnedMessage[] {
  const list = typeof value === 'string' ? fromJson(value, name) : value
  if (!Array.isArray(list) || list.length === 0)
    throw new Unusable(
      `"${name}" is ${describeValue(list)} where a list of messages is needed ([{"role": …, "content": …}, …])`,
    )
  return list.map((message, i) => {
    try {
      return readMessage((message ?? {}) as Fields, unread)
    } catch (error) {
      if (error instanceof Unusable) throw new Unusable(`message ${i + 1}${error.message}`)
      throw error
    }
  })
}

/** Columns of a conversation that cannot be used. */
const UNUSABLE = ['image', 'images', 'video', 'videos', 'audio', 'audios', 'chat_template_kwargs']
/** Columns that belong to a conversation, by these names. */
export const BESIDE: readonly string[] = ['system', 'tools', ...UNUSABLE]

/** @throws Unusable for a row with something beside its messages that would be lost. */
export function refuseLost(cells: Fields): void {
  const lost = UNUSABLE.find((name) => !isBlank(cells[name]))
  if (lost === 'chat_template_kwargs')
    throw new Unusable(`it has "${lost}"; arguments of the template are set for a whole run (chat.arguments)`)
  if (lost !== undefined) throw new Unusable(`it has "${lost}"; only text can be used`)
}

/**
 * Messages after the system message in a column of its own.
 *
 * @throws Unusable if they begin with another system message.
 */
export function withSystem(messages: readonly LearnedMessage[], system: unknown): readonly LearnedMessage[] {
  if (isBlank(system)) return messages
  if (typeof system !== 'string') throw new Unusable(`"system" ${notText(system)}`)
  const first = messages[0]!
  if (first.role !== 'system') return [{ role: 'system', content: system }, ...messages]
  if (first.content.trim() !== system.trim())
    throw new Unusable('its column "system" and the system message among its messages differ')
  return messages
}

/** Whether a message has neither content nor thinking nor tool calls. */
export const saysNothing = ({ content, reasoning_content, tool_calls }: ChatMessage): boolean =>
  content.trim() === '' && reasoning_content === undefined && tool_calls === undefined

/** A value of a row's column that may be JSON text. @throws Unusable for text that is not JSON. */
export function fromJson(cell: string, name: string): unknown {
  try {
    return JSON.parse(cell)
  } catch (error) {
    throw new Unusable(`"${name}" is not JSON (${(error as Error).message})`)
  }
}

/** @throws Unusable with a reason that continues "message 2". */
function readMessage(message: Fields, unread: Set<string>): LearnedMessage {
  const given = message.role ?? message.from
  if (typeof given !== 'string' || given === '')
    throw new Unusable(' has no "role" (system, user or assistant)')
  const label = given.toLowerCase()
  const role = roleOf(message)
  if (!Object.hasOwn(ROLES, label))
    throw new Unusable(
      ` has the unknown role ${JSON.stringify(given)}; known are system, user, assistant and tool`,
    )
  for (const [field, value] of Object.entries(message)) {
    if (READ.has(field) || isBlank(value)) continue
    if (SAID.test(field)) throw new Unusable(` has a field "${field}", which cannot be learned`)
    unread.add(field)
  }
  const field = 'content' in message || !('value' in message) ? 'content' : 'value'
  const read = readContent(message[field], field)
  const calls = CALLS.includes(label)
    ? readToolCalls(read.text)
    : readToolCalls(message.tool_calls ?? message.function_call)
  const thinking = readThinking(message, read)
  if (![read.text ?? '', thinking].every((text) => text.isWellFormed()))
    throw new Unusable(' has half of a surrogate pair, which is no text')
  if (role !== 'assistant' && (calls.length > 0 || thinking !== ''))
    throw new Unusable(`, of the role ${role}, has ${thinking === '' ? 'tool calls' : 'thinking'}`)
  if (read.text === null && calls.length === 0) throw new Unusable(`: its "${field}" is missing`)
  const { name, tool_call_id } = message
  return {
    role,
    content: CALLS.includes(label) ? '' : thinking === '' ? (read.text ?? '') : withoutTags(read.text ?? ''),
    ...(thinking === '' ? {} : { reasoning_content: thinking }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...(typeof name === 'string' && name !== '' ? { name } : {}),
    ...(typeof tool_call_id === 'string' && tool_call_id !== '' ? { tool_call_id } : {}),
    ...(role === 'assistant' && !isLearned(message) ? { weight: 0 as const } : {}),
  }
}

/** The role of a message: system, user, assistant or tool, or the unknown name that it has. */
export function roleOf(message: unknown): string {
  const { role, from } = (message ?? {}) as Fields
  const given = String(role ?? from ?? '')
  const label = given.toLowerCase()
  return Object.hasOwn(ROLES, label) ? ROLES[label]! : given
}

/** Whether a cell or a field holds nothing: empty columns of Parquet are null or empty lists. */
export const isBlank = (value: unknown): boolean =>
  value == null || value === '' || (Array.isArray(value) && value.length === 0)

interface Content {
  /** Null if there is none, as beside tool calls. */
  readonly text: string | null
  readonly thinking: string
}

/** Text, or a list of parts such as `{"type": "text", "text": …}`, which are joined by line ends. */
function readContent(value: unknown, field: string): Content {
  if (value == null) return { text: null, thinking: '' }
  if (typeof value === 'string') return { text: value, thinking: '' }
  const parts = Array.isArray(value) ? value : []
  if (parts.length === 0 || parts.some((part) => typeof part?.type !== 'string'))
    throw new Unusable(`: its "${field}" ${notText(value)}`)
  const texts: string[] = []
  const thinking: string[] = []
  for (const [i, part] of parts.entries() as IterableIterator<[number, Fields]>) {
    const type = part.type as string
    const isThinking = type === 'thinking' || type === 'reasoning'
    if (!isThinking && !/^(input_|output_)?text$/.test(type))
      throw new Unusable(`: part ${i + 1} of its "${field}" is of type "${type}"; only text can be used`)
    const text = (isThinking ? part[type] : undefined) ?? part.text
    const read = Array.isArray(text) ? readContent(text, field).text : text
    if (typeof read !== 'string') throw new Unusable(`: part ${i + 1} of its "${field}" has no text`)
    if (isThinking) thinking.push(read)
    else texts.push(read)
  }
  return { text: texts.length > 0 ? texts.join('\n') : null, thinking: thinking.join('\n') }
}

/** The thinking outside the content, or ''. @throws Unusable if the fields, or a field and the content, disagree. */
function readThinking(message: Fields, { text, thinking }: Content): string {
  const given = new Map<string, string>()
  if (thinking.trim() !== '') given.set('"content"', thinking)
  for (const field of THINKING) {
    const value = message[field]
    if (isBlank(value)) continue
    if (typeof value !== 'string') throw new Unusable(`: its "${field}" ${notText(value)}`)
    if (value.trim() !== '') given.set(`"${field}"`, value)
  }
  const inTags = given.size > 0 && text !== null ? tagged(text) : null
  if (inTags !== null) given.set('"content"', inTags)
  if (new Set([...given.values()].map((one) => one.trim())).size > 1)
    throw new Unusable(`: the thinking in ${[...given.keys()].join(' and ')} differs`)
  return [...given.values()].at(0) ?? ''
}

/** The thinking in the tags at the beginning of a text, or null. */
function tagged(text: string): string | null {
  const end = text.indexOf('</think>')
  return OPENING_TAG.test(text) && end >= 0 ? text.slice(0, end).replace(OPENING_TAG, '') : null
}

const withoutTags = (text: string): string =>
  tagged(text) === null ? text : text.slice(text.indexOf('</think>') + '</think>'.length).trimStart()

function isLearned(message: Fields): boolean {
  const flags = LEARNED.filter((field) => message[field] != null).map((field) => {
    const value = message[field]
    const flag = typeof value === 'string' ? Number.NaN : Number(value)
    if (flag !== 0 && flag !== 1)
      throw new Unusable(
        `: its "${field}" is ${typeof value === 'object' ? describeValue(value) : String(value)}; it must be 0 (not learned) or 1`,
      )
    return flag === 1
  })
  return flags.every(Boolean)
}

/** What is wrong with a value that is not text: "must be text, not a list", "is missing". */
export function notText(value: unknown): string {
  const is = describeValue(value)
  return is === 'missing' || is === 'empty' ? `is ${is}` : `must be text, not ${is}`
}

/** A value in words, for error messages: "a list". */
export const describeValue = (value: unknown): string =>
  value == null
    ? 'missing'
    : String(value) === ''
      ? 'empty'
      : Array.isArray(value)
        ? 'a list'
        : typeof value === 'object'
          ? 'an object'
          : `a ${typeof value}`

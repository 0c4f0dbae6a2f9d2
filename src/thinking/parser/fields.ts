import { type ParserOptions, type Piece, ThinkingParser } from './parser.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * The pieces of thinking and content that a message, a whole response or an event of a stream has in fields of its own. It
 * may be the body of OpenAI's chat completions and of what is like them (`reasoning_content`, `reasoning`,
 * `reasoning_details`, `thinking`, content in parts), of OpenAI's Responses, Anthropic's Messages, Ollama, Mistral, Cohere or
 * Gemini. Thinking that the content still has between delimiters is in the pieces of type `answer`; `FieldsParser` splits
 * it. Anything else, such as an event without text, has no pieces.
 */
export function fromFields(value: unknown): Piece[] {
  if (!isFields(value)) return []
  const { type } = value
  if (typeof type === 'string') {
    const read = EVENTS[type]
    if (read) return read(value)
    // an event of Responses that repeats what others brought piece by piece, or has no text
    if (type.startsWith('response.')) return []
  }
  const choice = first(value.choices)
  // of several choices, the first
  if (typeof choice?.index === 'number' && choice.index > 0) return []
  if (choice) return [...fromMessage(choice.message ?? choice.delta), ...piece('answer', choice.text)]
  if (Array.isArray(value.output)) return value.output.flatMap(fromPart)
  const candidate = first(value.candidates)
  if (candidate) return fromFields(candidate.content)
  if (isFields(value.message)) return fromMessage(value.message)
  return fromMessage(value)
}

/** A part of a content or an item of an output; what is neither text nor thinking, such as a tool's result, has no pieces. */
function fromPart(value: unknown): Piece[] {
  if (typeof value === 'string') return piece('answer', value)
  const type = isFields(value) ? value.type : null
  return typeof type === 'string' && type !== 'message' && !EVENTS[type] ? [] : fromFields(value)
}

/** What separates the parts of a summary. */
const PARAGRAPH = '\n\n'

/** The events and parts that have a type, by this type. */
const EVENTS: Readonly<Record<string, (value: Fields) => Piece[]>> = {
  // Anthropic
  content_block_start: ({ content_block }) => fromPart(content_block),
  content_block_delta: ({ delta }) => fromFields(delta),
  thinking_delta: ({ thinking }) => piece('thinking', thinking),
  text_delta: ({ text }) => piece('answer', text),
  // Responses
  'response.reasoning_text.delta': ({ delta }) => piece('thinking', delta),
  'response.reasoning_summary_text.delta': ({ delta }) => piece('thinking', delta),
  'response.reasoning_summary_part.added': ({ summary_index }) =>
    typeof summary_index === 'number' && summary_index > 0 ? piece('thinking', PARAGRAPH) : [],
  'response.output_text.delta': ({ delta }) => piece('answer', delta),
  'response.refusal.delta': ({ delta }) => piece('answer', delta),
  // Cohere
  'content-start': ({ delta }) => fromFields(delta),
  'content-delta': ({ delta }) => fromFields(delta),
  // the AI SDK
  'reasoning-delta': ({ text, delta }) => piece('thinking', text ?? delta),
  'text-delta': ({ text, delta }) => piece('answer', text ?? delta),
  // parts of a content, and items of an output
  thinking: (part) => piece('thinking', textIn(part.thinking) || textIn(part.text)),
  reasoning: (part) =>
    piece(
      'thinking',
      textIn(part.content) || textIn(part.summary, PARAGRAPH) || textIn(part.reasoning) || part.text,
    ),
  redacted_thinking: () => [],
  text: ({ text }) => piece('answer', text),
  output_text: ({ text }) => piece('answer', text),
  refusal: ({ refusal }) => piece('answer', refusal),
}

/** Fields of the same thinking under several names; the first that has text counts. */
const THINKING_FIELDS = ['reasoning_content', 'reasoning', 'thinking', 'reasoning_details'] as const

function fromMessage(value: unknown): Piece[] {
  if (!isFields(value)) return []
  const thinking = THINKING_FIELDS.map((field) => textIn(value[field])).find((text) => text !== '')
  return [...piece('thinking', thinking), ...fromContent(value)]
}

function fromContent({ content, parts, response, refusal, text, thought }: Fields): Piece[] {
  // Gemini marks a part as thinking
  if (thought === true) return piece('thinking', text)
  for (const list of [content, parts])
    if (Array.isArray(list) && list.length > 0) return list.flatMap(fromPart)
  if (isFields(content) && !Array.isArray(content)) return fromFields(content)
  return piece(
    'answer',
    [content, response, refusal, text].find((one) => typeof one === 'string' && one !== ''),
  )
}

/** The text in a field: a text, an object that has one, or a list of these. What is encrypted has none. */
function textIn(value: unknown, separator = ''): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value))
    return value
      .map((one) => textIn(one))
      .filter((one) => one !== '')
      .join(separator)
  if (!isFields(value)) return ''
  const { text, content, summary, reasoning, thinking } = value
  return (
    [text, content, summary, reasoning, thinking].map((one) => textIn(one)).find((one) => one !== '') ?? ''
  )
}

const piece = (type: Piece['type'], text: unknown): Piece[] =>
  typeof text === 'string' && text !== '' ? [{ type, text }] : []

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null

const first = (value: unknown): Fields | null =>
  Array.isArray(value) && isFields(value[0]) ? value[0] : null

/** The events of Responses that bring the reasoning, and those that bring its summary. */
const REASONING = /^response\.(reasoning(?:_summary)?)_(?:text\.delta|part\.added)$/

/**
 * Reads the messages or the stream events of an API in order, and splits them into thinking and answer: by the fields that
 * separate them, and by delimiters that the content still has. Thinking that a server sends in a field and again in the
 * content is given out once.
 *
 * @example
 * const parser = new FieldsParser()
 * for await (const chunk of completion) for (const { type, text } of parser.push(chunk)) show(type, text)
 * for (const { type, text } of parser.end()) show(type, text)
 */
export class FieldsParser {
  readonly #content: ThinkingParser
  /** Thinking that came in fields. */
  #separate = ''
  /** Thinking in the content that so far repeats what came in fields; null once it does not. */
  #repeated: string | null = ''
  /** Was a kind of reasoning event seen? Responses may send the reasoning and its summary; only the first kind counts. */
  #kind: string | null = null

  constructor(options: ParserOptions = {}) {
    this.#content = new ThinkingParser(options)
  }

  /** Reads a message or an event. */
  push(value: unknown): Piece[] {
    const kind = isFields(value) ? REASONING.exec(String(value.type))?.[1] : undefined
    if (kind !== undefined) {
      this.#kind ??= kind
      if (kind !== this.#kind) return []
    }
    return fromFields(value).flatMap((one) => {
      if (one.type === 'answer') return this.#once(this.#content.push(one.text))
      this.#separate += one.text
      return [one]
    })
  }

  /** Ends the response. The pieces are what was withheld. */
  end(): Piece[] {
    return [...this.#once(this.#content.end()), ...this.#differing('')]
  }

  /** Leaves out thinking in the content that repeats the fields. */
  #once(pieces: readonly Piece[]): Piece[] {
    return pieces.flatMap((one) => {
      if (one.type === 'answer') {
        const before = this.#differing('')
        this.#repeated = null
        return [...before, one]
      }
      if (this.#repeated === null || this.#separate === '') return [one]
      const repeated = this.#repeated + one.text
      if (!this.#separate.trim().startsWith(repeated.trimEnd())) return this.#differing(one.text)
      this.#repeated = repeated
      return []
    })
  }

  /** Gives out withheld thinking unless it repeats all that came in fields. */
  #differing(text: string): Piece[] {
    const withheld = (this.#repeated ?? '') + text
    const isRepetition = withheld.trim() === this.#separate.trim()
    this.#repeated = null
    return isRepetition ? [] : piece('thinking', withheld)
  }
}

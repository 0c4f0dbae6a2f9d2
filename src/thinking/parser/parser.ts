import type { ThinkingFormat } from '../model.ts'
import { FORMATS, type FormatName } from './formats.ts'
import { MARKDOWN_CHARACTERS, MarkdownContext } from './markdown.ts'

/** A piece of a response, without delimiters. */
export interface Piece {
  readonly type: 'thinking' | 'answer'
  readonly text: string
}

export interface ParserOptions {
  /** By name, or one of your own. By default `deepseek`, which is `<think>…</think>`. */
  readonly format?: ThinkingFormat | FormatName | undefined
  /**
   * Did the prompt already begin the thinking? By default no. `auto`: unknown. Everything up to the first delimiter is then
   * withheld, and is thinking if that delimiter is an end. Use it for whole texts.
   */
  readonly opened?: boolean | 'auto' | undefined
}

/** What looks like a header but is longer than this, in characters, is none. */
const LONGEST_HEADER = 500

/**
 * Splits a stream of text into thinking and answer. However the text is cut into chunks, the pieces hold the same text. Only
 * what may belong to a delimiter is withheld; the white space around a delimiter belongs to it.
 *
 * - In the answer, a delimiter in code or a quotation is text, apart from one that ends the answer.
 * - In the thinking, a beginning is text, so the first end counts: an answer must not be lost in the thinking.
 * - In code or a quotation, the end of the part under way is text only if the code or quotation ends right after it, or if a
 *   beginning came before it in there: code may not be closed before a part ends.
 * - An end without a beginning is dropped. What was given out as the answer before it cannot be taken back; see `opened`.
 * - Thinking that never ends is thinking up to the end of the stream.
 * - Parts of the same type are separated by the white space before the delimiter, or by a line break if there is none.
 */
export class ThinkingParser {
  readonly #format: ThinkingFormat
  readonly #delimiters: Delimiters
  #type: Piece['type']
  #blocks: number
  #context = new MarkdownContext()
  /** Unread text: the beginning of what may be a delimiter. */
  #held = ''
  /** Text that was read, while it is unknown whether it is thinking; null if it is known. */
  #unknown: string | null
  /** White space that was read and may belong to a delimiter. */
  #space = ''
  /** The last character that was read. */
  #last = 0
  /** Did a delimiter come last, apart from white space? */
  #afterDelimiter: boolean
  /** The header as far as it was read; null outside of one. */
  #header: string | null = null
  /** What separates the next part of a type from the last one. */
  readonly #separator: Record<Piece['type'], string> = { thinking: '', answer: '' }
  #answered = false
  /** The last character given out of this part; empty if there is none yet. */
  #tail = ''
  /** The pieces of this chunk. */
  #pieces: { type: Piece['type']; text: string }[] = []

  constructor({ format = 'deepseek', opened = false }: ParserOptions = {}) {
    this.#format = typeof format === 'string' ? FORMATS[format] : format
    this.#delimiters = delimitersOf(this.#format)
    this.#unknown = opened === 'auto' ? '' : null
    this.#afterDelimiter = opened === true
    this.#type = opened === true ? 'thinking' : 'answer'
    this.#blocks = opened === true ? 1 : 0
  }

  /** What comes next: thinking or answer. After the end, `thinking` means that the thinking did not end. */
  get type(): Piece['type'] {
    return this.#type
  }

  /** Number of parts of thinking that have begun, empty ones included. */
  get blocks(): number {
    return this.#blocks
  }

  /** Reads a chunk of the stream. */
  push(chunk: string): Piece[] {
    return this.#read(chunk, false)
  }

  /** Ends the stream. The pieces are what was withheld. */
  end(): Piece[] {
    return this.#read('', true)
  }

  #read(chunk: string, final: boolean): Piece[] {
    const text = this.#held + chunk
    this.#pieces = []
    // a surrogate pair is not cut
    const end = !final && isHighSurrogate(text.charCodeAt(text.length - 1)) ? text.length - 1 : text.length
    const { kinds } = this.#delimiters
    let from = 0
    let i = 0
    while (i < end) {
      if (this.#header !== null) {
        i = from = this.#readHeader(text, i, end)
        continue
      }
      if (!this.#context.waiting) while (i < end && kinds[text.charCodeAt(i)] === 0) i++
      if (i === end) break
      const before = i > 0 ? text.charCodeAt(i - 1) : this.#last
      const c = text.charCodeAt(i)
      if (kinds[c] === DELIMITER) {
        const delimiter = this.#delimiterAt(text, i, final)
        if (delimiter === undefined) break
        if (delimiter !== null) {
          if (this.#needsText) {
            this.#give(text.slice(from, i))
            from = i
          }
          this.#context.settle(c)
          const next = i + delimiter.length
          const effect = this.#effectOf(
            delimiter,
            before,
            final || next < text.length ? text.charCodeAt(next) : null,
          )
          if (effect === null) break
          if (effect !== 'none') {
            this.#give(text.slice(from, i))
            this.#apply(effect)
            if (effect === 'header') this.#header = delimiter
            i = from = next
            continue
          }
        }
      }
      this.#context.read(c, before)
      i++
    }
    this.#give(text.slice(from, i))
    if (i > 0) this.#last = text.charCodeAt(i - 1)
    this.#held = text.slice(i)
    if (final) this.#finish()
    return this.#pieces
  }

  /** Does what a delimiter does depend on the text before it? */
  get #needsText(): boolean {
    return (
      this.#afterDelimiter || this.#unknown !== null || (this.#format.leading === true && !this.#answered)
    )
  }

  /** The delimiter at position i; null if there is none, undefined if that depends on what follows. */
  #delimiterAt(text: string, i: number, final: boolean): string | null | undefined {
    const { longestFirst, seconds } = this.#delimiters
    const left = text.length - i
    if (left > 1 && seconds[text.charCodeAt(i + 1)] === 0) return null
    const rest = left < longestFirst[0]!.length && !final ? text.slice(i) : null
    for (const delimiter of longestFirst) {
      if (
        left >= delimiter.length ? text.startsWith(delimiter, i) : rest !== null && delimiter.startsWith(rest)
      )
        return left >= delimiter.length ? delimiter : undefined
    }
    return null
  }

  /** What a delimiter does: `none` if it is text, null if that depends on the `next` character, which is not there yet. */
  #effectOf(delimiter: string, before: number, next: number | null): Effect | 'none' | null {
    const { starts, ends, headers, answerStart, answerEnds } = this.#delimiters
    const isInside = this.#context.inside(before)
    const isStart = starts.has(delimiter)
    const isEnd = ends.has(delimiter) && !(isStart && this.#type === 'answer')
    const effect = headers.has(delimiter) ? 'header' : 'answer'
    const isAnswerEnd = answerEnds.has(delimiter)
    const isAnswer = this.#type === 'answer' && this.#unknown === null
    if (isInside && !isEnd && (isAnswer ? delimiter === answerStart : isStart)) this.#context.nested++
    if (this.#type === 'answer' && !(isEnd && this.#unknown !== null)) {
      if (this.#format.leading && (this.#answered || this.#blocks > 0)) return 'none'
      if (isInside) {
        const isQuoted = !(isAnswer && isAnswerEnd) || this.#isQuoted(before, next)
        return isQuoted === false ? effect : isQuoted && 'none'
      }
      if (this.#unknown !== null) {
        const isFirst = this.#unknown.trim() === ''
        this.#giveUnknown()
        if (this.#format.leading && isStart && !isFirst) return 'none'
      }
      return isStart ? 'thinking' : effect
    }
    if (isStart && !isEnd) return this.#afterDelimiter ? 'thinking' : 'none'
    if (isAnswerEnd && !isEnd) return 'none'
    if (isInside) {
      if (delimiter === answerStart && !isEnd) return 'none'
      const isQuoted = this.#isQuoted(before, next)
      if (isQuoted !== false) return isQuoted && 'none'
    }
    if (this.#unknown !== null) {
      // what stands before an end is thinking
      this.#type = 'thinking'
      this.#blocks = 1
      this.#afterDelimiter = true
      this.#giveUnknown()
    }
    return effect
  }

  /** Is an end in code or a quotation text? null if that depends on the `next` character, which is not there yet. */
  #isQuoted(before: number, next: number | null): boolean | null {
    if (this.#context.nested > 0) {
      this.#context.nested--
      return true
    }
    return next === null ? null : this.#context.endsWith(next, before)
  }

  #apply(effect: Effect): void {
    if (this.#tail !== '') this.#separator[this.#type] = this.#space || (this.#tail.trim() === '' ? '' : '\n')
    this.#space = this.#tail = ''
    this.#afterDelimiter = true
    this.#context = new MarkdownContext()
    if (effect === 'header') return
    if (effect === 'thinking' && this.#type === 'answer') this.#blocks++
    this.#type = effect
  }

  /** Reads on in a header, from a position up to `end`. Returns the position of what comes after the header, or `end`. */
  #readHeader(text: string, from: number, end: number): number {
    const { end: delimiter, thinking } = this.#format.header!
    const before = this.#header!.length
    const header = this.#header + text.slice(from, Math.min(end, from + LONGEST_HEADER - before))
    const found = header.indexOf(delimiter, Math.max(0, before - delimiter.length))
    this.#header = found < 0 && header.length < LONGEST_HEADER ? header : null
    if (found >= 0) {
      this.#apply(thinking.test(header.slice(0, found)) ? 'thinking' : 'answer')
      return from + found + delimiter.length - before
    }
    if (this.#header === null) this.#give(header)
    return from + header.length - before
  }

  /** Gives out text, apart from the white space that may belong to a delimiter. */
  #give(text: string): void {
    if (this.#unknown !== null) {
      this.#unknown += text
      return
    }
    const rest = this.#afterDelimiter ? text.trimStart() : text
    if (rest === '') return
    // after the first word of an answer that has no delimiters of its own, white space belongs to the answer
    const isFree = this.#type === 'answer' && this.#format.answer === null
    const kept = rest.trimEnd()
    const shown = isFree && (kept !== '' || this.#tail !== '') ? rest : kept
    if (shown === '') this.#space += rest
    else {
      this.#emit(this.#space + shown)
      this.#space = rest.slice(shown.length)
    }
  }

  #giveUnknown(): void {
    const text = this.#unknown!
    this.#unknown = null
    this.#give(text)
  }

  #emit(text: string): void {
    const type = this.#type
    const piece = this.#afterDelimiter ? this.#separator[type] + text : text
    this.#afterDelimiter = false
    this.#answered ||= type === 'answer'
    this.#tail = text.at(-1)!
    const last = this.#pieces.at(-1)
    if (last?.type === type) last.text += piece
    else this.#pieces.push({ type, text: piece })
  }

  #finish(): void {
    if (this.#unknown !== null) this.#giveUnknown()
    if (this.#space !== '') this.#emit(this.#space)
    this.#space = ''
  }
}

/** What a delimiter begins. */
type Effect = Piece['type'] | 'header'

/** The delimiters of a format, arranged for the parser. */
interface Delimiters {
  readonly longestFirst: readonly string[]
  readonly starts: ReadonlySet<string>
  readonly ends: ReadonlySet<string>
  readonly headers: ReadonlySet<string>
  readonly answerStart: string | null
  /** Those that end an answer, and not only thinking. */
  readonly answerEnds: ReadonlySet<string>
  /** For each character: can a delimiter begin with it, or is it a `MARKDOWN` character? Otherwise 0. */
  readonly kinds: Uint8Array
  /** For each character: 0 if it cannot be the second one of a delimiter. */
  readonly seconds: Uint8Array
}

const MARKDOWN = 1
const DELIMITER = 2

const known = new WeakMap<ThinkingFormat, Delimiters>()

function delimitersOf(format: ThinkingFormat): Delimiters {
  const before = known.get(format)
  if (before) return before
  const starts = new Set([format.thinking.start, ...(format.starts ?? [])])
  const ends = new Set([format.thinking.end, ...(format.ends ?? [])])
  const headers = new Set(format.header?.starts)
  const answer = format.answer ? [format.answer.start, format.answer.end] : []
  const longestFirst = [...new Set([...starts, ...ends, ...headers, ...answer])].sort(
    (a, b) => b.length - a.length,
  )
  if (longestFirst.includes('')) throw new Error(`the thinking format ${format.name} has an empty delimiter`)
  const kinds = new Uint8Array(65536)
  for (const c of MARKDOWN_CHARACTERS) kinds[c] = MARKDOWN
  const seconds = new Uint8Array(65536)
  for (const delimiter of longestFirst) {
    kinds[delimiter.charCodeAt(0)] = DELIMITER
    if (delimiter.length > 1) seconds[delimiter.charCodeAt(1)] = 1
    else seconds.fill(1)
  }
  const delimiters = {
    longestFirst,
    starts,
    ends,
    headers,
    answerStart: format.answer?.start ?? null,
    answerEnds: new Set([...answer.slice(1), ...(format.header ? ends : (format.ends ?? []))]),
    kinds,
    seconds,
  }
  known.set(format, delimiters)
  return delimiters
}

const isHighSurrogate = (c: number): boolean => c >= 0xd800 && c < 0xdc00

/** The thinking and the answer of a whole text. */
export interface ParsedThinking {
  /** Trimmed; null if there is none. */
  readonly thinking: string | null
  /** Trimmed; null if the text ends in the thinking and there is none. */
  readonly answer: string | null
}

/**
 * Splits a whole text as `ThinkingParser` does. By default it is found out from the text whether the prompt began the
 * thinking.
 */
export function parseThinking(text: string, { format, opened = 'auto' }: ParserOptions = {}): ParsedThinking {
  const parser = new ThinkingParser({ format, opened })
  const found = { thinking: '', answer: '' }
  for (const piece of [...parser.push(text), ...parser.end()]) found[piece.type] += piece.text
  return {
    thinking: parser.blocks === 0 ? null : found.thinking.trim(),
    answer: parser.type === 'thinking' && found.answer === '' ? null : found.answer.trim(),
  }
}

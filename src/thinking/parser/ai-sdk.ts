import { type ParserOptions, type Piece, ThinkingParser } from './parser.ts'

/*
 * The shapes of the AI SDK's language models, versions 2 and 3 (AI SDK 5 and 6), as far as this file needs them, so that
 * nothing is imported.
 */

interface Part {
  readonly type: string
}

interface Generated<P extends Part> {
  content: P[]
}

interface Streamed<P extends Part> {
  stream: ReadableStream<P>
}

/** What the middleware makes; it is a valid part of a content or a stream in both versions. */
// biome-ignore lint/suspicious/noExplicitAny: the SDK's types of parts differ between its versions
type AnyPart = any

/**
 * Middleware for the Vercel AI SDK that turns thinking in a model's text into reasoning parts, as
 * `extractReasoningMiddleware` does, for every format and with all that `ThinkingParser` knows. Whole responses are read
 * with `opened: 'auto'` unless told otherwise.
 *
 * @example
 * const model = wrapLanguageModel({ model: provider('magistral'), middleware: thinkingMiddleware({ format: 'magistral' }) })
 */
export function thinkingMiddleware(options: ParserOptions = {}) {
  return {
    specificationVersion: 'v3' as const,

    async wrapGenerate<R extends Generated<AnyPart>>({
      doGenerate,
    }: {
      doGenerate: () => PromiseLike<R>
    }): Promise<R> {
      const result = await doGenerate()
      const content = result.content.flatMap((part: AnyPart): AnyPart[] => {
        if (part.type !== 'text') return [part]
        const parser = new ThinkingParser({ ...options, opened: options.opened ?? 'auto' })
        const pieces = joined([...parser.push(part.text), ...parser.end()])
        return pieces.map(({ type, text }) =>
          type === 'thinking' ? { type: 'reasoning', text } : { ...part, text },
        )
      })
      return { ...result, content }
    },

    async wrapStream<R extends Streamed<AnyPart>>({
      doStream,
    }: {
      doStream: () => PromiseLike<R>
    }): Promise<R> {
      const result = await doStream()
      return { ...result, stream: result.stream.pipeThrough(splitParts(options)) }
    },
  }
}

/** Pieces of the same type that follow each other as one. */
function joined(pieces: readonly Piece[]): Piece[] {
  const all: { type: Piece['type']; text: string }[] = []
  for (const { type, text } of pieces) {
    const last = all.at(-1)
    if (last?.type === type) last.text += text
    else all.push({ type, text })
  }
  return all
}

/** A text part of the stream that is being split. */
interface OpenText {
  readonly parser: ThinkingParser
  readonly start: AnyPart
  /** The part that is open, or null. The first answer keeps the id of the text part; other parts get ids of their own. */
  open: { readonly type: Piece['type']; readonly id: string } | null
  parts: number
  answers: number
}

function splitParts(options: ParserOptions): TransformStream<AnyPart, AnyPart> {
  const texts = new Map<string, OpenText>()

  function close(text: OpenText, parts: AnyPart[], end: AnyPart = {}): void {
    if (text.open === null) return
    const { type, id } = text.open
    parts.push(type === 'answer' ? { ...end, type: 'text-end', id } : { type: 'reasoning-end', id })
    text.open = null
  }

  function put(text: OpenText, pieces: readonly Piece[], parts: AnyPart[]): void {
    for (const { type, text: delta } of pieces) {
      if (text.open?.type !== type) {
        close(text, parts)
        const first = type === 'answer' && text.answers++ === 0
        const id = first
          ? text.start.id
          : `${text.start.id}-${type === 'answer' ? 'text' : 'reasoning'}-${text.parts}`
        text.parts++
        text.open = { type, id }
        parts.push(type === 'answer' ? { ...text.start, id } : { type: 'reasoning-start', id })
      }
      parts.push({ type: type === 'answer' ? 'text-delta' : 'reasoning-delta', id: text.open!.id, delta })
    }
  }

  const begin = (start: AnyPart): OpenText => {
    const text: OpenText = { parser: new ThinkingParser(options), start, open: null, parts: 0, answers: 0 }
    texts.set(start.id, text)
    return text
  }

  function endText(text: OpenText, end: AnyPart): AnyPart[] {
    const parts: AnyPart[] = []
    put(text, text.parser.end(), parts)
    if (text.open === null && text.parts === 0) put(text, [{ type: 'answer', text: '' }], parts)
    close(text, parts, end)
    texts.delete(text.start.id)
    return parts
  }

  return new TransformStream({
    transform(part, controller) {
      const parts: AnyPart[] = []
      if (part.type === 'text-start') begin(part)
      else if (part.type === 'text-delta') {
        const text = texts.get(part.id) ?? begin({ type: 'text-start', id: part.id })
        put(text, text.parser.push(part.delta), parts)
      } else if (part.type === 'text-end' && texts.has(part.id))
        parts.push(...endText(texts.get(part.id)!, part))
      else {
        // a stream that finishes or fails without the end of a text
        if (part.type === 'finish' || part.type === 'error')
          for (const text of texts.values()) parts.push(...endText(text, {}))
        parts.push(part)
      }
      for (const one of parts) controller.enqueue(one)
    },
    flush(controller) {
      for (const text of texts.values()) for (const part of endText(text, {})) controller.enqueue(part)
    },
  })
}

import { type ParserOptions, type Piece, ThinkingParser } from './parser.ts'

/**
 * A `TransformStream` from chunks of text to pieces of thinking and answer.
 *
 * @example
 * const pieces = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(thinkingStream())
 */
export function thinkingStream(options: ParserOptions = {}): TransformStream<string, Piece> {
  const parser = new ThinkingParser(options)
  return new TransformStream({
    transform(chunk, controller) {
      for (const piece of parser.push(chunk)) controller.enqueue(piece)
    },
    flush(controller) {
      for (const piece of parser.end()) controller.enqueue(piece)
    },
  })
}

/**
 * The pieces of thinking and answer of any source of text. Leaving the iteration early ends the source's.
 *
 * @example
 * for await (const { type, text } of thinkingPieces(chunks, { format: 'magistral' })) show(type, text)
 */
export async function* thinkingPieces(
  source: AsyncIterable<string> | Iterable<string>,
  options: ParserOptions = {},
): AsyncGenerator<Piece, void, void> {
  const parser = new ThinkingParser(options)
  for await (const chunk of source) yield* parser.push(chunk)
  yield* parser.end()
}

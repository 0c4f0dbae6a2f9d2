import type { TextCapabilities, TextEvent, TextModel, TextRequest } from '../../thinking/model.ts'
import { FORMATS } from '../../thinking/parser/formats.ts'
import { ThinkingParser } from '../../thinking/parser/parser.ts'

/**
 * A model with one token per character, that can continue what was begun: `write` gives what follows the beginning of a
 * response. It honours the longest response and stop strings, and keeps the requests.
 */
export function writingModel(
  write: (begun: string, request: TextRequest) => string,
  {
    can = {},
    tokens: reports = true,
    opened = false,
  }: { can?: Partial<TextCapabilities>; tokens?: boolean; opened?: boolean } = {},
): TextModel & { readonly requests: TextRequest[] } {
  const requests: TextRequest[] = []
  const format = can.format ?? FORMATS.deepseek
  async function* respond(request: TextRequest): AsyncGenerator<TextEvent> {
    requests.push(request)
    const begun = (request.prefix ?? []).map(textOf).join('')
    const whole = write(begun, request)
    const stops = (request.stop ?? []).map(
      (stop) => whole.indexOf(stop) + stop.length * Number(whole.includes(stop)),
    )
    const stopped = Math.min(...stops.filter((at) => at > 0))
    const generated = whole.slice(0, Math.min(stopped, request.maxTokens ?? Number.POSITIVE_INFINITY))
    const stop = (request.stop ?? []).find((one) => generated.endsWith(one))
    const text = stop === undefined ? generated : generated.slice(0, -stop.length)
    const parser = new ThinkingParser({ format, opened })
    parser.push(begun)
    let thinkingTokens = 0
    for (const [i, sign] of [...text].entries()) {
      const { type } = parser
      const pieces = parser.push(sign)
      if (type === 'thinking' || parser.type === 'thinking') thinkingTokens = i + 1
      for (const piece of pieces) {
        await null
        request.signal?.throwIfAborted()
        yield { ...piece, tokens: reports ? 1 : null }
      }
    }
    if (parser.type === 'thinking') thinkingTokens = generated.length
    for (const piece of parser.end()) yield { ...piece, tokens: reports ? 1 : null }
    const cut = stop === undefined && generated.length < whole.length
    yield {
      type: 'end',
      reason: cut ? 'length' : 'stop',
      usage: {
        promptTokens: 10 + begun.length,
        cachedTokens: null,
        completionTokens: reports ? generated.length : null,
        thinkingTokens: reports ? thinkingTokens : null,
      },
      text,
      tokens: reports ? Int32Array.from(text, (sign) => sign.codePointAt(0)!) : null,
    }
  }
  return {
    name: 'writer',
    identity: 'writer',
    can: {
      prefix: true,
      logprobs: false,
      seed: true,
      tools: false,
      switchThinking: false,
      maxTokens: 1000,
      format,
      ...can,
    },
    requests,
    respond,
    close: async () => {},
  }
}

/** A piece of a beginning, as text. */
export const textOf = (piece: string | Int32Array): string =>
  typeof piece === 'string' ? piece : String.fromCodePoint(...piece)

import type { ChatMessage } from '../../renderer/messages.ts'
import { type PromptTemplate, Renderer, type TextCodec } from '../../renderer/renderer.ts'

const EOS = 0

/** One token per character; token 0 ends a text. */
export const characters: TextCodec = {
  eosId: EOS,
  prefix: new Int32Array(),
  vocabSize: 0x110000,
  encode: (text) => Int32Array.from(text, (sign) => sign.codePointAt(0)!),
  decode: (ids) => String.fromCodePoint(...Array.from(ids)),
  stream: () => ({ push: (id) => String.fromCodePoint(id), end: () => '' }),
}

const render = (messages: readonly ChatMessage[]): string =>
  messages.map(({ content }) => `User: ${content} Assistant: `).join('')

/** A renderer with one token per character, whose chat template is "User: … Assistant: ". */
export const characterRenderer = (template: PromptTemplate): Renderer =>
  new Renderer({
    folder: 'fake',
    tokenizer: characters,
    chat: {
      render,
      spans: (messages) => [{ text: render(messages), generated: false }],
      marksGeneration: false,
      arguments: {},
      thinkingArguments: [],
      argumentNames: new Set(),
    },
    template,
    stopTokens: [EOS],
    endOfTurn: EOS,
  })

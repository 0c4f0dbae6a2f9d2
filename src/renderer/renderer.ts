import { UserError } from '../common/errors.ts'
import { nearest } from '../common/nearest.ts'
import { plural } from '../common/words.ts'
import { type TextStream, Tokenizer } from '../models/tokenizer/tokenizer.ts'
import { opensThinking } from '../thinking/parser/opened.ts'
import { r1ZeroPrompt } from '../thinking/r1/template.ts'
import { callForms } from './call-forms.ts'
import { ChatTemplate, type RenderOptions, type TemplateSettings, today } from './chat-template.ts'
import type { ChatMessage } from './messages.ts'
import { shows } from './said.ts'
import { stopTokens } from './stop-tokens.ts'

/**
 * The format of prompt and response: R1-Zero's template, with thinking and answer in tags; or the model's own chat
 * template, with thinking and then a summary, as in R1.
 */
export type PromptTemplate = 'r1-zero' | 'chat'

/** A prompt, ready to be sampled from. */
export interface Prompt {
  readonly text: string
  readonly tokens: Int32Array
  /** Did the template begin the thinking, so that the response continues inside <think>? */
  readonly opened: boolean
}

/** What is put to a model: a question as text or, if it is a chat, its messages as well. */
export interface Askable {
  /** The question as text: of a chat, the last message. */
  readonly prompt: string
  /** The whole chat, whose last message is the user's. */
  readonly messages?: readonly ChatMessage[] | undefined
}

export type TextCodec = Pick<Tokenizer, 'encode' | 'decode' | 'eosId' | 'prefix' | 'vocabSize' | 'stream'>
export type ChatRenderer = Pick<
  ChatTemplate,
  'render' | 'spans' | 'marksGeneration' | 'argumentNames' | 'arguments' | 'thinkingArguments'
>

export interface RendererOptions {
  /** By default the template that the model was trained with. */
  readonly template?: PromptTemplate | undefined
  /** Arguments and date of the chat template. */
  readonly chat?: Partial<TemplateSettings> | undefined
}

interface Parts {
  /** For messages. */
  readonly folder: string
  readonly tokenizer: TextCodec
  readonly chat: ChatRenderer | null
  readonly template: PromptTemplate
  readonly stopTokens: readonly number[]
  readonly endOfTurn: number | null
}

/**
 * How a model is spoken to: its prompts as tokens, the tokens that end its response, and its responses as text. Whatever
 * samples, trains, scores or evaluates a model does it through its renderer.
 */
export class Renderer {
  readonly template: PromptTemplate
  /** Tokens that end a response, at which sampling stops. */
  readonly stopTokens: readonly number[]
  /** The token with which the chat template ends the assistant's turn; null if there is none. */
  readonly endOfTurn: number | null
  /** The token that ends a text that is not a chat. */
  readonly endOfText: number
  /** The highest token id of the tokenizer plus one; the model may have fewer. */
  readonly vocabSize: number
  readonly #folder: string
  readonly #tokenizer: TextCodec
  readonly #chat: ChatRenderer | null

  constructor({ folder, tokenizer, chat, template, stopTokens, endOfTurn }: Parts) {
    if (template === 'chat' && chat === null)
      throw new UserError(
        `${folder} has no chat template (chat_template in tokenizer_config.json): use template r1-zero, or add one`,
      )
    this.#folder = folder
    this.#tokenizer = tokenizer
    this.#chat = chat
    this.template = template
    this.stopTokens = stopTokens
    this.endOfTurn = endOfTurn
    this.endOfText = tokenizer.eosId
    this.vocabSize = tokenizer.vocabSize
  }

  /** Reads how the model in a folder is spoken to. @throws UserError that names a damaged file. */
  static load(folder: string, { template, chat: settings }: RendererOptions = {}): Renderer {
    const tokenizer = Tokenizer.load(folder)
    const chat = ChatTemplate.read(folder, tokenizer.specialTokens, {
      arguments: settings?.arguments ?? {},
      date: settings?.date ?? today(),
    })
    const { all, endOfTurn } = stopTokens(folder, tokenizer, chat)
    return new Renderer({
      folder,
      tokenizer,
      chat,
      template: template ?? trainedTemplate(chat),
      stopTokens: all,
      endOfTurn,
    })
  }

  /**
   * The prompt of a question, after which the model responds. R1-Zero's template has no place for a system message, which
   * becomes the beginning of the question.
   *
   * @throws UserError if the chat template refuses it or leaves out a message, and for a question with earlier turns in R1-Zero's template.
   */
  prompt(
    { prompt, messages = [] }: Askable,
    options: Pick<RenderOptions, 'tools' | 'arguments'> = {},
  ): Prompt {
    if (this.template === 'chat') {
      const asked = this.chatPrompt(
        messages.length > 0 ? messages : [{ role: 'user', content: prompt }],
        options,
      )
      const hidden = messages.findIndex((message) => !shows(asked.text, message))
      if (hidden < 0) return asked
      throw new UserError(
        `the chat template leaves out message ${hidden + 1} (${messages[hidden]!.role}), so the model would not see it`,
      )
    }
    const before = messages.slice(0, -1)
    if (before.some(({ role }) => role !== 'system'))
      throw new UserError(
        `it is a conversation of ${plural(messages.length, 'message')}, and the template r1-zero has no place for those before the last; use the template chat`,
      )
    const text = r1ZeroPrompt([...before.map(({ content }) => content), prompt].join('\n\n'))
    return { text, tokens: this.encodeText(text), opened: false }
  }

  /**
   * The prompt of a chat, after which the model writes the assistant's next message. Its tool calls are given to the
   * template in a form in which it prints them, if there is one.
   */
  chatPrompt(
    messages: readonly ChatMessage[],
    options: Pick<RenderOptions, 'tools' | 'arguments'> = {},
  ): Prompt {
    const render = (form: readonly ChatMessage[]): string =>
      this.chat.render(form, { ...options, addGenerationPrompt: true })
    const [first, ...others] = [...callForms(messages)]
    const shown = others.length > 0 ? [first!, ...others].map(attempt(render)) : []
    const text =
      shown.find((one) => one !== null && messages.every((message) => shows(one, message))) ?? render(first!)
    return { text, tokens: this.encode(text), opened: opensThinking(text) }
  }

  /** The model's chat template. @throws UserError if the model has none. */
  get chat(): ChatRenderer {
    if (this.#chat !== null) return this.#chat
    throw new UserError(
      `${this.#folder} has no chat template (chat_template in tokenizer_config.json), which conversations need`,
    )
  }

  /** The arguments of the chat template; empty if the model has none. */
  get chatArguments(): Readonly<Record<string, unknown>> {
    return this.#chat?.arguments ?? {}
  }

  /** Does the template have an argument of this name? R1-Zero's template has none. */
  hasArgument(name: string): boolean {
    return this.template === 'chat' && this.chat.argumentNames.has(name)
  }

  /** @throws UserError for an argument that the template does not have. */
  checkArguments(given: TemplateSettings['arguments']): void {
    const name = Object.keys(given).find((name) => !this.hasArgument(name))
    if (name === undefined) return
    if (this.template === 'r1-zero')
      throw new UserError(
        `the template r1-zero has no argument "${name}": leave it out, or use the template chat`,
        2,
      )
    const similar = nearest(name, [...this.chat.argumentNames])
    const advice = similar === null ? ': leave it out' : `; did you mean "${similar}"?`
    throw new UserError(`the chat template of ${this.#folder} has no argument "${name}"${advice}`, 2)
  }

  /** The text of a sampled response, without the token that ends it. */
  response(tokens: Int32Array): string {
    const ended = tokens.length > 0 && this.stopTokens.includes(tokens.at(-1)!)
    return this.decode(ended ? tokens.subarray(0, -1) : tokens)
  }

  /** The tokens of a piece of text; special tokens in it become their ids. */
  encode(text: string): Int32Array {
    return this.#tokenizer.encode(text)
  }

  /**
   * The tokens of a text that follows another one. Some tokenizers put a space before every text that they encode, which is
   * not there in the middle.
   */
  encodeNext(text: string): Int32Array {
    const [line, letter, both] = ['\n', 'a', '\na'].map((one) => this.encode(one))
    const begins = `${both}`.startsWith(`${line},`)
    if (!begins || `${both}` === `${[...line!, ...letter!]}`) return this.encode(text)
    return this.encode(`\n${text}`).subarray(line!.length)
  }

  /** The tokens of a text from its beginning, with those that the tokenizer puts before every text, such as BOS. */
  encodeText(text: string): Int32Array {
    const { prefix } = this.#tokenizer
    const ids = this.encode(text)
    const tokens = new Int32Array(prefix.length + ids.length)
    tokens.set(prefix)
    tokens.set(ids, prefix.length)
    return tokens
  }

  /** Tokens to text, special tokens included. */
  decode(tokens: ArrayLike<number>): string {
    return this.#tokenizer.decode(tokens)
  }

  /** Decodes a response token by token; the tokens that end it are left out. */
  stream(): TextStream {
    const stream = this.#tokenizer.stream()
    return {
      push: (token) => (this.stopTokens.includes(token) ? '' : stream.push(token)),
      end: () => stream.end(),
    }
  }
}

/** A rendering that is null where the template refuses. */
const attempt =
  (render: (messages: readonly ChatMessage[]) => string) =>
  (messages: readonly ChatMessage[]): string | null => {
    try {
      return render(messages)
    } catch (error) {
      if (error instanceof UserError) return null
      throw error
    }
  }

/** The model's own template, unless it has none or one that renders a question as R1-Zero's does. */
function trainedTemplate(chat: ChatTemplate | null): PromptTemplate {
  if (chat === null) return 'r1-zero'
  const rendered = chat.render([{ role: 'user', content: 'Why?' }], { addGenerationPrompt: true })
  return rendered === r1ZeroPrompt('Why?') ? 'r1-zero' : 'chat'
}

import { UserError } from '../../common/errors.ts'
import { plural } from '../../common/words.ts'
import type { SampleOptions, Sampler } from '../../engines/contract.ts'
import type { ChatMessage } from '../../renderer/messages.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import { parseResponse } from '../../thinking/parse.ts'
import { splitThinking } from '../../thinking/split.ts'

/** A model's response to a question. */
export interface Reply {
  /** The whole response. */
  readonly text: string
  readonly thinking: string | null
  readonly answer: string | null
}

/** Receives a piece of a reply as soon as it is generated. */
type Listener = (piece: string, isThinking: boolean) => void

/**
 * A conversation with a model, in the template that the model was trained with. A model with its own chat template sees
 * the whole conversation, without earlier thinking. A model that knows only R1-Zero's template (it has no chat template,
 * or one that renders the same prompt) sees each question on its own.
 */
export class Conversation {
  /** Does the model see earlier messages? */
  readonly remembers: boolean
  readonly #sampler: Sampler
  readonly #renderer: Renderer
  readonly #maxPositions: number
  #messages: ChatMessage[] = []

  constructor(sampler: Sampler, renderer: Renderer, { maxPositions }: { maxPositions: number }) {
    this.#sampler = sampler
    this.#renderer = renderer
    this.#maxPositions = maxPositions
    this.remembers = renderer.template === 'chat'
  }

  /**
   * Asks a question; `listen` receives the reply piece by piece.
   *
   * @throws UserError if the question is empty, or the conversation fills the model's context; the conversation is then
   * unchanged.
   */
  async ask(
    question: string,
    options: Omit<SampleOptions, 'n' | 'onToken' | 'stopTokens'>,
    listen: Listener = () => {},
  ): Promise<Reply> {
    if (question.trim() === '') throw new UserError('the message is empty: ask something')
    const messages = [...this.#messages, user(question)]
    const { tokens, opened } = this.#renderer.prompt({ prompt: question, messages })
    const left = this.#maxPositions - tokens.length
    if (left < 1)
      throw new UserError(
        `the prompt has ${plural(tokens.length, 'token')}, but the model takes at most ${this.#maxPositions} including its reply${this.#messages.length > 0 ? '; /reset starts a new conversation' : ''}`,
      )
    const stream = this.#renderer.stream()
    let text = ''
    let thought = false
    const push = (piece: string): void => {
      text += piece
      listen(piece, !thought && (opened || /^\s*<think>/.test(text)))
      thought ||= text.slice(-piece.length - '</think>'.length).includes('</think>')
    }
    await this.#sampler.sample(tokens, {
      ...options,
      n: 1,
      maxTokens: Math.min(options.maxTokens, left),
      stopTokens: this.#renderer.stopTokens,
      onToken: (_, token) => push(stream.push(token)),
    })
    push(stream.end())
    const { thinking, answer } = this.remembers
      ? splitThinking(text, { opened })
      : parseResponse(text, { opened })
    if (this.remembers) this.#messages = [...messages, { role: 'assistant', content: answer ?? text.trim() }]
    return { text, thinking, answer }
  }

  /** Forgets the conversation so far. */
  reset(): void {
    this.#messages = []
  }
}

const user = (content: string): ChatMessage => ({ role: 'user', content })

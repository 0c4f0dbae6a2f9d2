import { PromptTooLong, UserError } from '../../common/errors.ts'
import type { Message, TextEnd, TextEvent, TextModel, TextRequest } from '../../thinking/model.ts'
import { ThinkingMeter, type ThinkingStatistics } from '../../thinking/parser/meter.ts'

/** A model's reply to a question. */
export interface Reply {
  /** Trimmed; null if there is none. */
  readonly thinking: string | null
  /** Trimmed; null if there is none, because the thinking did not end. */
  readonly answer: string | null
  readonly statistics: ThinkingStatistics
  /** null if the reply was aborted. */
  readonly end: TextEnd | null
}

/** A question with its reply. */
export interface Turn {
  readonly question: string
  readonly reply: Reply
  /** The name of the model. */
  readonly model: string
}

/** Receives the events of a reply as soon as they come. */
type Listener = (event: TextEvent) => void

/**
 * A conversation with a model. A model that remembers sees all of it, without earlier thinking; another one sees each
 * question on its own.
 */
export class Conversation {
  /** What the model is told before the conversation; null for nothing. */
  system: string | null = null
  #model: TextModel
  #turns: Turn[] = []

  constructor(model: TextModel) {
    this.#model = model
  }

  get model(): TextModel {
    return this.#model
  }

  /** Goes on with another model, which sees what was said so far. */
  set model(model: TextModel) {
    this.#model = model
  }

  /** Does the model see earlier messages? */
  get remembers(): boolean {
    return this.#model.can.remembers !== false
  }

  /** The conversation so far. */
  get turns(): readonly Turn[] {
    return this.#turns
  }

  /**
   * Asks a question; `listen` receives the reply piece by piece. If `signal` is aborted, the reply is what had come by then;
   * without an answer it is then no part of the conversation.
   *
   * @throws UserError if the question is empty, or the model cannot be asked it, for example because the conversation fills
   * its context; the conversation is then unchanged.
   */
  async ask(
    question: string,
    options: Omit<TextRequest, 'messages'>,
    listen: Listener = () => {},
  ): Promise<Reply> {
    if (question.trim() === '') throw new UserError('the message is empty: ask something')
    const text = { thinking: '', answer: '' }
    const meter = new ThinkingMeter()
    let end: TextEnd | null = null
    try {
      for await (const event of this.#model.respond({ ...options, messages: this.#messages(question) })) {
        if (event.type === 'thinking' || event.type === 'answer') {
          text[event.type] += event.text
          meter.push(event)
        } else if (event.type === 'end') end = event
        listen(event)
      }
    } catch (error) {
      if (!options.signal?.aborted) throw this.#explained(error)
    }
    meter.end()
    const thinking = text.thinking.trim() || null
    const answer = text.answer.trim() || null
    const reply: Reply = { thinking, answer, statistics: counted(meter.statistics, end), end }
    if (end !== null || answer !== null) this.#turns.push({ question, reply, model: this.#model.name })
    return reply
  }

  /** Takes back the last question and its reply. */
  takeBack(): void {
    this.#turns.pop()
  }

  /** Forgets the conversation so far. */
  reset(): void {
    this.#turns = []
  }

  #messages(question: string): Message[] {
    const system: Message[] = this.system === null ? [] : [{ role: 'system', content: this.system }]
    const said = this.remembers ? this.#turns : []
    const before = said.flatMap(({ question, reply }): Message[] => [
      { role: 'user', content: question },
      { role: 'assistant', content: reply.answer ?? reply.end?.text?.trim() ?? '' },
    ])
    return [...system, ...before, { role: 'user', content: question }]
  }

  #explained(error: unknown): unknown {
    if (!(error instanceof PromptTooLong) || this.#turns.length === 0 || !this.remembers) return error
    return new PromptTooLong(`${error.message}; /reset starts a new conversation`)
  }
}

/** Statistics with the tokens that only the end of a reply tells. */
function counted(statistics: ThinkingStatistics, end: TextEnd | null): ThinkingStatistics {
  const { completionTokens = null, thinkingTokens = null } = end?.usage ?? {}
  const answerTokens =
    completionTokens === null || thinkingTokens === null ? null : completionTokens - thinkingTokens
  return {
    ...statistics,
    thinking: { ...statistics.thinking, tokens: statistics.thinking.tokens ?? thinkingTokens },
    answer: { ...statistics.answer, tokens: statistics.answer.tokens ?? answerTokens },
  }
}

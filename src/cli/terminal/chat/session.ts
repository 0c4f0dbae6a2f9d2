import { UserError } from '../../../common/errors.ts'
import { Conversation, type Reply } from '../../../stages/sample/conversation.ts'
import { sameAnswer } from '../../../stages/think/same-answer.ts'
import type { TextEvent, TextModel, TextRequest } from '../../../thinking/model.ts'
import { EFFORTS } from '../../../thinking/strategies/effort.ts'
import { type StrategySpec, withStrategy } from '../../../thinking/strategies/strategy.ts'

/** How the model of a conversation thinks. */
export interface ThinkingState {
  readonly think: Think | null
  /** Most thinking tokens; null for no limit. */
  readonly budget: number | null
  /** Responses that are voted over; null for no vote. */
  readonly vote: number | null
}

/** How much a model is to think, in the words of `/think`. */
export const THINK = ['on', 'off', 'low', 'medium', 'high'] as const
export type Think = (typeof THINK)[number]

/** The model thinks as it does by itself. */
export const UNCHANGED: ThinkingState = { think: null, budget: null, vote: null }

/** What requests are sampled with; undefined and null are left to the model. */
export type Sampling = Pick<TextRequest, 'maxTokens' | 'temperature' | 'topP' | 'topK' | 'minP' | 'seed'>

/** A model that was opened, with what its requests are sampled with. */
export interface OpenedModel {
  readonly model: TextModel
  readonly sampling: Sampling
}

/** A conversation whose model, and how it thinks, can be changed. */
export class ChatSession {
  readonly conversation: Conversation
  #opened: OpenedModel
  #state: ThinkingState = UNCHANGED
  #asked = 0
  #last: string | null = null

  /** @throws UserError if the model cannot think as `state` says. */
  constructor(opened: OpenedModel, state: ThinkingState = UNCHANGED) {
    this.#opened = opened
    this.conversation = new Conversation(opened.model)
    this.think(state)
  }

  get state(): ThinkingState {
    return this.#state
  }

  get model(): TextModel {
    return this.#opened.model
  }

  /** Changes how the model thinks. @throws UserError if it cannot; nothing is changed then. */
  think(change: Partial<ThinkingState>): void {
    const state = { ...this.#state, ...change }
    this.conversation.model = strategyOf(this.#opened.model, state)
    this.#state = state
  }

  /** Goes on with another model, and closes this one. @throws UserError if the other one cannot think in the same way. */
  async use(opened: OpenedModel): Promise<void> {
    this.conversation.model = strategyOf(opened.model, this.#state)
    const before = this.#opened
    this.#opened = opened
    await before.model.close()
  }

  /** Asks a question. Question i is sampled with seed + i. See `Conversation.ask`. */
  ask(question: string, listen: (event: TextEvent) => void, signal?: AbortSignal): Promise<Reply> {
    this.#last = question
    return this.conversation.ask(question, this.#request(signal), listen)
  }

  /** Takes back the last question, with its reply if it has one. Returns the question; null if there is none. */
  takeBack(): string | null {
    const question = this.#last
    if (question !== null && this.conversation.turns.at(-1)?.question === question)
      this.conversation.takeBack()
    return question
  }

  #request(signal: AbortSignal | undefined): Omit<TextRequest, 'messages'> {
    const { sampling, model } = this.#opened
    const { think, vote } = this.#state
    // in greedy decoding, all responses would be the same
    const temperature = vote !== null && !sampling.temperature ? 1 : sampling.temperature
    const thinking = think === 'on' && model.can.switchThinking ? { thinking: true } : {}
    return { ...sampling, temperature, ...thinking, seed: sampling.seed + this.#asked++, signal }
  }

  close(): Promise<void> {
    return this.#opened.model.close()
  }
}

/** A model that thinks as `state` says. @throws UserError if it cannot. */
function strategyOf(model: TextModel, { think, budget, vote }: ThinkingState): TextModel {
  const effort = think === 'off' ? 'none' : EFFORTS.find((name) => name === think)
  if (budget !== null && effort !== undefined)
    throw new UserError(`"think ${think}" and a budget both limit the thinking: give one of them`, 2)
  const spec: StrategySpec = {
    ...(vote === null ? {} : { kind: 'vote', samples: vote }),
    ...(budget === null ? {} : { budget: { max: budget } }),
    ...(effort === undefined ? {} : { effort }),
  }
  return withStrategy(model, spec, { same: sameAnswer })
}

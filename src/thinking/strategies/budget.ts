import { PromptTooLong, UserError } from '../../common/errors.ts'
import { Random } from '../../common/random.ts'
import type { TextEnd, TextEvent, TextModel, TextRequest, TextUsage, ThinkingFormat } from '../model.ts'
import { onTop } from './on-top.ts'
import { countOf } from './settings.ts'
import { type LeftUsage, plus, sumUsage } from './usage.ts'

/** How many tokens a model thinks. */
export interface BudgetOptions {
  /** At most; without it, as many as the model wants. 0: it does not think. */
  readonly max?: number | undefined
  /** At least. */
  readonly min?: number | undefined
  /** What is put in place of the end of thinking that comes too early. By default "Wait". */
  readonly wait?: string | undefined
  /** How often, at most; the thinking may then end before `min`. By default 8. */
  readonly waits?: number | undefined
  /** A sentence that ends thinking which is cut, before its delimiter. By default none. */
  readonly closing?: string | undefined
}

/**
 * A model whose thinking has at most `max` and at least `min` tokens (budget forcing: s1, Muennighoff et al. 2025, arXiv
 * 2501.19393). At `max` tokens the thinking is closed and the model goes on with its answer. Where the model ends its
 * thinking before `min`, the end is dropped and `wait` is put in its place.
 *
 * Tokens are those that the model generated while thinking, its delimiters included, as in `usage.thinkingTokens`; what is
 * put in is not counted. A response that does not begin with thinking is begun again with the thinking opened. Thinking
 * that ends within the budget, in a response that does, is the model's own: the response is the one without a budget. What
 * follows a cut is drawn from a random stream of its own.
 *
 * Under `min`, stop strings of the request apply only after the thinking. Where the longest response or the context leaves
 * no room to go on, the response ends as far as it came.
 *
 * @throws UserError if the model cannot continue a response that was begun, or for a setting outside its range.
 */
export function withBudget(
  model: TextModel,
  { max, min = 0, wait = 'Wait', waits = 8, closing = '' }: BudgetOptions,
): TextModel {
  if (max !== undefined) countOf('the largest budget', max, 0)
  countOf('the smallest budget', min, 0)
  countOf('waits', waits, 0)
  if (max !== undefined && min > max)
    throw new UserError(`the thinking cannot have at least ${min} and at most ${max} tokens`, 2)
  if (!model.can.prefix)
    throw new UserError(
      `${model.name} cannot continue a response that was begun, as a budget of thinking tokens needs: use a model that can, such as one on this machine, or set the effort that the provider offers`,
    )
  const settings = { max, min, wait, waits, closing }
  return onTop(model, ['budget', settings], (request) =>
    request.thinking === false ? model.respond(request) : new Budgeted(model, request, settings).events(),
  )
}

interface Settings {
  readonly max: number | undefined
  readonly min: number
  readonly wait: string
  readonly waits: number
  readonly closing: string
}

/** What one request brought: a part of the response. */
interface Part {
  readonly end: TextEnd
  /** Was it cut by the budget? */
  readonly cut: boolean
  /** Has the thinking ended? */
  readonly answering: boolean
}

/** A response under a budget, which is made of one or more responses of the model, each of which continues the last. */
class Budgeted {
  readonly #model: TextModel
  readonly #request: TextRequest
  readonly #settings: Settings
  readonly #format: ThinkingFormat
  /** The response so far: what the model generated, and what was put in. */
  readonly #pieces: (string | Int32Array)[] = []
  #text = ''
  /** The end of the last part; null before there is one. */
  #last: TextEnd | null = null
  readonly #ended: TextUsage[] = []
  readonly #left: LeftUsage[] = []
  /** Generated tokens: all, those of the thinking, and those of the thinking without ends that were dropped. */
  #generated = 0
  #thought = 0
  #kept = 0

  constructor(model: TextModel, request: TextRequest, settings: Settings) {
    this.#model = model
    this.#request = request
    this.#settings = settings
    this.#format = model.can.format
  }

  async *events(): AsyncGenerator<TextEvent> {
    try {
      yield* this.#parts()
    } catch (error) {
      // where no room is left to continue it, the response ends as far as it came
      if (!(error instanceof PromptTooLong) || this.#last === null) throw error
      yield this.#whole({ ...this.#last, reason: 'length', stop: null })
    }
  }

  async *#parts(): AsyncGenerator<TextEvent> {
    const { max = Number.POSITIVE_INFINITY, min, wait, waits } = this.#settings
    const fresh = (this.#request.prefix ?? []).length === 0
    if (max === 0) {
      if (fresh) this.#put(opening(this.#format))
      return yield* this.#closed()
    }
    let opened = !fresh
    for (let waited = 0; ; ) {
      const held = this.#kept < min
      const stop = held ? [this.#format.thinking.end] : this.#request.stop
      const part: Part | null = yield* this.#part({ budget: max - this.#thought, stop, opened })
      if (part === null) {
        this.#put(opening(this.#format))
        opened = true
        continue
      }
      opened = true
      const { end, cut, answering } = part
      const ended = end.reason === 'length' ? !cut : end.reason !== 'stop' || !held || answering
      if (ended) return yield this.#whole(end)
      if (answering) return yield* this.#answer()
      if (cut) {
        if (this.#text.trim() === '') this.#put(opening(this.#format).trimStart()) // cut before it began to think
        return yield* this.#closed()
      }
      if (this.#kept >= min || waited === waits || this.#thought >= max) {
        if (this.#kept < min)
          yield { type: 'progress', text: `the thinking ended after ${this.#kept} of at least ${min} tokens` }
        this.#put(this.#format.thinking.end)
        return yield* this.#answer()
      }
      waited++
      yield this.#said(wait)
    }
  }

  /** Closes the thinking, and lets the model answer. */
  async *#closed(): AsyncGenerator<TextEvent> {
    const { closing } = this.#settings
    if (closing !== '') yield this.#said(closing)
    const { thinking, answer } = this.#format
    const [before, after] = isTag(thinking.start) ? ['\n', answer === null ? '\n\n' : '\n'] : ['', '']
    const line = this.#text.endsWith('\n') ? '' : before
    this.#put(`${line}${thinking.end}${after}${answer?.start ?? ''}`)
    yield* this.#answer()
  }

  async *#answer(): AsyncGenerator<TextEvent> {
    const part = yield* this.#part({
      budget: Number.POSITIVE_INFINITY,
      stop: this.#request.stop,
      opened: true,
    })
    yield this.#whole(part!.end)
  }

  /**
   * Continues the response by at most `budget` tokens. Unless the thinking is `opened`, a response that begins with an
   * answer is left, and the result is null.
   */
  async *#part({ budget, stop, opened }: PartOptions): AsyncGenerator<TextEvent, Part | null> {
    const { prefix = [], maxTokens, seed } = this.#request
    const left = (maxTokens ?? Number.POSITIVE_INFINITY) - this.#generated
    if (left < 1) throw new PromptTooLong(`the response has its ${maxTokens} tokens`)
    const limit = Math.min(budget, left)
    const pieces = [...prefix, ...this.#pieces]
    const parts = this.#ended.length
    const written = { thinking: '', answer: '', called: false }
    let waiting: TextEvent[] = []
    let begun = opened
    let tokens: number | null = 0
    for await (const event of this.#model.respond({
      ...this.#request,
      ...(pieces.length > 0 ? { prefix: pieces } : {}),
      stop,
      maxTokens: Number.isFinite(limit) ? limit : maxTokens,
      // the random numbers of the beginning are not drawn again
      seed: parts === 0 ? seed : new Random(seed, 'continuation', parts).bits(),
    })) {
      if (event.type === 'thinking' || event.type === 'answer') {
        written[event.type] += event.text
        tokens = plus(tokens, event.tokens)
      }
      written.called ||= event.type === 'tool_call'
      if (!begun && (written.called || written.answer.trim() !== '')) {
        this.#left.push({ completionTokens: tokens, thinkingTokens: 0 })
        return null
      }
      begun ||= event.type === 'thinking' || event.type === 'end'
      if (event.type !== 'end') waiting.push(event)
      if (!begun) continue
      yield* waiting
      waiting = []
      if (event.type === 'end') return this.#took(event, written, { limit, budgeted: budget < left })
    }
    throw new Error('the response has no end')
  }

  /** Adds what the model generated to the response. */
  #took(
    end: TextEnd,
    written: { readonly thinking: string; readonly answer: string; readonly called: boolean },
    { limit, budgeted }: { limit: number; budgeted: boolean },
  ): Part {
    const { start, end: close } = this.#format.thinking
    const first = this.#pieces.length === 0 && (this.#request.prefix ?? []).length === 0
    const text = end.text ?? written.thinking + (written.answer === '' ? '' : close) + written.answer
    // a provider, or the prompt, may have written the delimiter
    const opens = first && written.thinking !== '' && !text.trimStart().startsWith(start)
    const whole = opens ? opening(this.#format).trimStart() + text : text
    this.#pieces.push(end.tokens ?? whole)
    this.#text += end.text ?? whole
    const answering =
      written.called ||
      written.answer.trim() !== '' ||
      this.#text.lastIndexOf(close) > this.#text.lastIndexOf(start)
    const { completionTokens, thinkingTokens } = end.usage
    const full = end.reason === 'length' && (completionTokens ?? limit) >= limit
    const generated = completionTokens ?? (full ? limit : null)
    if (generated === null && !answering && this.#settings.min > 0)
      throw new UserError(
        `${this.#model.name} does not report its tokens, so it cannot be made to think at least ${this.#settings.min}: leave out the smallest budget`,
      )
    this.#last = end
    this.#ended.push(end.usage)
    this.#generated += generated ?? 0
    this.#thought += thinkingTokens ?? generated ?? 0
    this.#kept += end.tokens?.length ?? thinkingTokens ?? generated ?? 0
    return { end, cut: full && budgeted, answering }
  }

  /** Puts text into the response that the model did not generate. */
  #put(text: string): void {
    this.#pieces.push(text)
    this.#text += text
  }

  /** Puts words into the thinking, on a line of their own. */
  #said(words: string): TextEvent {
    const text = this.#text === '' || /\s$/.test(this.#text) ? words : `\n${words}`
    this.#put(text)
    return { type: 'thinking', text, tokens: 0 }
  }

  /** The end of the whole response, of which `end` ended the last part. */
  #whole(end: TextEnd): TextEnd {
    const tokens = this.#pieces.every((piece) => typeof piece !== 'string')
      ? Int32Array.from((this.#pieces as Int32Array[]).flatMap((piece) => [...piece]))
      : null
    return { ...end, text: this.#text, tokens, usage: sumUsage(this.#ended, this.#left) }
  }
}

interface PartOptions {
  readonly budget: number
  readonly stop: readonly string[] | undefined
  readonly opened: boolean
}

/** Is it a tag, such as <think>, around which models write line breaks? */
const isTag = (delimiter: string): boolean => /^<\w/.test(delimiter)

/** What begins the thinking. R1-Zero's prompt ends with a word, after which its response begins with a space. */
const opening = ({ thinking: { start }, answer }: ThinkingFormat): string =>
  `${answer === null ? '' : ' '}${start}${isTag(start) ? '\n' : ''}`

import type { TextEvent, TextPiece, TokenLogprob } from '../../thinking/model.ts'

/**
 * Joins the pieces of a response that come at once: those of one turn of the event loop, and, where the reader wants the
 * `whole` response, all after the first. When many responses keep the process busy, each so costs less.
 */
export class Gathered {
  /** Was the end of the response passed on? */
  ended = false
  readonly #whole: boolean
  readonly #pass: (events: readonly TextEvent[]) => void
  #events: TextEvent[] = []
  #scheduled: NodeJS.Immediate | null = null
  #begun = false

  constructor(whole: boolean, pass: (events: readonly TextEvent[]) => void) {
    this.#whole = whole
    this.#pass = pass
  }

  add(events: readonly TextEvent[]): void {
    for (const event of events) {
      const last = this.#events.at(-1)
      if (!isPiece(event)) this.#events.push(event)
      else if (last !== undefined && isPiece(last) && last.type === event.type) join(last, event)
      else this.#events.push({ ...event, ...(event.logprobs ? { logprobs: [...event.logprobs] } : {}) })
    }
    if (this.#events.length === 0 || (this.#whole && this.#begun)) return
    this.#scheduled ??= setImmediate(() => this.flush())
  }

  /** Passes on what there is. */
  flush(): void {
    if (this.#scheduled) clearImmediate(this.#scheduled)
    this.#scheduled = null
    this.#begun ||= this.#events.length > 0
    const events = this.#events
    this.#events = []
    this.ended ||= events.at(-1)?.type === 'end'
    this.#pass(events)
  }
}

/** A piece to which others are joined. */
type Joined = { -readonly [K in keyof TextPiece]: TextPiece[K] } & { logprobs?: TokenLogprob[] | undefined }

const isPiece = (event: TextEvent): event is Joined => event.type === 'thinking' || event.type === 'answer'

function join(to: Joined, { text, tokens, logprobs }: TextPiece): void {
  to.text += text
  to.tokens = to.tokens === null || tokens === null ? null : to.tokens + tokens
  if (logprobs) to.logprobs = to.logprobs ?? []
  for (const one of logprobs ?? []) to.logprobs!.push(one)
}

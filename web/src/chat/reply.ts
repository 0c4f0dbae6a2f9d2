import { type Signal, signal } from '@preact/signals'
import { type Asked, ask, type Message } from './stream.ts'

/** A response that is being written, or was. Times are in milliseconds of `performance.now()`. */
export interface Reply {
  readonly model: string
  /** What the model was told. */
  readonly messages: readonly Message[]
  readonly state: 'waiting' | 'thinking' | 'answering' | 'done' | 'stopped' | 'failed'
  readonly thinking: string
  readonly answer: string
  readonly began: number
  readonly thinkingEnded: number | null
  readonly ended: number | null
  /** Tokens of the thinking, and of all; null until the server has counted them. */
  readonly thinkingTokens: number | null
  readonly tokens: number | null
  readonly problem: string | null
}

export const isUnderWay = ({ state }: Reply): boolean =>
  state === 'waiting' || state === 'thinking' || state === 'answering'

/** Asks a model. The signal changes with each piece of the response; `stop` ends it. */
export function startReply(asked: Asked): { reply: Signal<Reply>; stop: () => void } {
  const aborter = new AbortController()
  const reply = signal<Reply>({
    model: asked.model,
    messages: asked.messages,
    state: 'waiting',
    thinking: '',
    answer: '',
    began: performance.now(),
    thinkingEnded: null,
    ended: null,
    thinkingTokens: null,
    tokens: null,
    problem: null,
  })
  const set = (changes: Partial<Reply>) => {
    reply.value = { ...reply.value, ...changes }
  }
  const follow = async () => {
    for await (const { choices, usage } of ask(asked, aborter.signal)) {
      const { reasoning_content = '', content = '' } = choices?.[0]?.delta ?? {}
      if (reasoning_content) set({ state: 'thinking', thinking: reply.value.thinking + reasoning_content })
      if (content)
        set({
          state: 'answering',
          answer: reply.value.answer + content,
          thinkingEnded: reply.value.thinkingEnded ?? performance.now(),
        })
      if (usage)
        set({
          tokens: usage.completion_tokens ?? null,
          thinkingTokens: usage.completion_tokens_details?.reasoning_tokens ?? null,
        })
    }
  }
  follow().then(
    () => set({ state: 'done', ended: performance.now() }),
    (error: unknown) =>
      set(
        aborter.signal.aborted
          ? { state: 'stopped', ended: performance.now() }
          : { state: 'failed', problem: error instanceof Error ? error.message : String(error) },
      ),
  )
  return { reply, stop: () => aborter.abort() }
}

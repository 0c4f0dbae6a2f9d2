import type { Signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { plural } from '../numbers.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { Prose } from '../text/prose.tsx'
import { visible } from '../text/readable.ts'
import { isUnderWay, type Reply } from './reply.ts'
import { promptOf } from './stream.ts'

/** A response: its thinking, open while the model thinks and folded when it answers, then its answer. */
export function ReplyView({ of }: { of: Signal<Reply> }) {
  const reply = of.value
  const now = useNow(isUnderWay(reply))
  const [wanted, setWanted] = useState<boolean | null>(null)
  const isOpen = wanted ?? reply.state === 'thinking'
  return (
    <article class="reply" aria-busy={isUnderWay(reply)}>
      <h3>{reply.model}</h3>
      {reply.state === 'waiting' && <p class="quiet">Waiting for {reply.model} …</p>}
      {reply.thinking && (
        <details
          class="thinking"
          open={isOpen}
          onToggle={(event) => {
            const { open } = event.currentTarget
            if (open !== isOpen) setWanted(open)
          }}
        >
          <summary>{told(reply, now)}</summary>
          <Prose text={reply.thinking} />
        </details>
      )}
      {reply.answer && (
        <section class="answer">
          <Prose text={reply.answer} />
        </section>
      )}
      {reply.state === 'done' && !reply.answer && <p class="quiet">There is no answer.</p>}
      {reply.state === 'stopped' && <p class="quiet">You stopped it here.</p>}
      {reply.problem && (
        <p class="problem" role="alert">
          {reply.problem}
        </p>
      )}
      {!isUnderWay(reply) && (
        <div class="toolbar small">
          {reply.tokens !== null && <span class="quiet">{plural(reply.tokens, 'token')}</span>}
          <CopyButton label="Copy as JSON" text={() => JSON.stringify(reply, null, 2)} />
        </div>
      )}
      {!isUnderWay(reply) && <Prompt model={reply.model} messages={reply.messages} />}
    </article>
  )
}

/** The prompt, which is asked for when it is opened. */
function Prompt({ model, messages }: Pick<Reply, 'model' | 'messages'>) {
  const [said, setSaid] = useState<string | null>(null)
  const read = (isOpen: boolean) => {
    if (!isOpen || said !== null) return
    setSaid('Reading the prompt …')
    promptOf(model, messages).then(
      (prompt) => setSaid(prompt ?? 'Its provider does not tell how it is asked.'),
      (error: unknown) => setSaid(error instanceof Error ? error.message : String(error)),
    )
  }
  return (
    <details onToggle={(event) => read(event.currentTarget.open)}>
      <summary>The prompt, as the model saw it</summary>
      <div class="prose">{visible(said ?? '')}</div>
    </details>
  )
}

function told(reply: Reply, now: number): string {
  const seconds = ((reply.thinkingEnded ?? reply.ended ?? now) - reply.began) / 1000
  const words = reply.thinking.split(/\s+/).filter(Boolean).length
  const count = reply.thinkingTokens === null ? plural(words, 'word') : plural(reply.thinkingTokens, 'token')
  const verb = reply.state === 'thinking' ? 'Thinking' : 'Thought'
  return `${verb} for ${seconds.toFixed(1)} s, ${count}`
}

/** The time, renewed five times a second while `running`. */
function useNow(running: boolean): number {
  const [now, setNow] = useState(performance.now())
  useEffect(() => {
    if (!running) return
    const timer = setInterval(() => setNow(performance.now()), 200)
    return () => clearInterval(timer)
  }, [running])
  return now
}

import type { Signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { plural } from '../numbers.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { Prose } from '../text/prose.tsx'
import { visible } from '../text/readable.ts'
import { isUnderWay, type Reply } from './reply.ts'

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
      {reply.prompt !== null && (
        <details>
          <summary>The prompt, as the model saw it</summary>
          <div class="prose">{visible(reply.prompt)}</div>
        </details>
      )}
    </article>
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

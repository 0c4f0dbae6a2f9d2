import { useState } from 'preact/hooks'
import { ApiError, change, runPath } from '../api/client.ts'
import { token } from '../api/token.ts'
import type { RunSummary } from '../api/types.ts'
import { link } from '../router.ts'

const CAN_RESUME = ['stopped', 'interrupted', 'failed']

/** Stops or resumes a run, and leads to a conversation with its model. */
export function RunActions({ run, onChange }: { run: RunSummary; onChange: () => void }) {
  const [said, setSaid] = useState<string | null>(null)
  const act = async (action: 'stop' | 'resume', doing: string) => {
    setSaid(doing)
    try {
      await change(runPath(run.id, action), {})
      onChange()
    } catch (error) {
      setSaid(
        error instanceof ApiError ? [error.message, error.help].filter(Boolean).join(' ') : String(error),
      )
    }
  }
  const isAllowed = token() !== null
  return (
    <div class="actions">
      <a class="button" href={link(['chat'], { model: run.id })}>
        Talk to it
      </a>
      {run.status === 'running' && (
        <button
          type="button"
          disabled={!isAllowed}
          onClick={() => void act('stop', 'Stopping after the current step …')}
        >
          Stop
        </button>
      )}
      {CAN_RESUME.includes(run.status) && (
        <button type="button" disabled={!isAllowed} onClick={() => void act('resume', 'Resuming …')}>
          Resume
        </button>
      )}
      <p class="quiet" role="status">
        {said ?? (isAllowed ? null : <NotAllowed />)}
      </p>
    </div>
  )
}

/** Why this page may not change anything. */
export const NotAllowed = () => (
  <>To start or stop runs, open the address that the command printed: it ends in a token.</>
)

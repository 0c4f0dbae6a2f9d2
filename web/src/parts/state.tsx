import type { Status } from '../api/types.ts'

const MEANING: Record<Status, string> = {
  running: 'a process is writing this run',
  stopped: 'its process was killed; it can be resumed',
  interrupted: 'it was stopped; it can be resumed',
  failed: 'it ended with an error; it can be resumed',
  done: 'it has ended',
}

/** The state of a run, as a word with a mark. */
export const State = ({ status }: { status: Status }) => (
  <span class={`state ${status}`} title={MEANING[status]}>
    {status}
  </span>
)

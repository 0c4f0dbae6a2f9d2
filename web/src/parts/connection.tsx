import { connection } from '../api/live.ts'
import { Command } from './notice.tsx'

/** Says that the server does not answer, for as long as it does not. */
export function Connection() {
  return (
    <div role="status" aria-live="polite">
      {connection.value === 'lost' && (
        <p class="banner">
          The server does not answer. This page goes on by itself when it is back:{' '}
          <Command>npx ruminate studio</Command>
        </p>
      )}
    </div>
  )
}

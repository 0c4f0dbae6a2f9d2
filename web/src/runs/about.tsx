import { useState } from 'preact/hooks'
import { ApiError, change, runPath } from '../api/client.ts'
import { token } from '../api/token.ts'
import type { RunDetail } from '../api/types.ts'
import { short, when } from '../numbers.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { NotAllowed } from './run-actions.tsx'

/** What a run was started with, what it has written, and the note on it. */
export function About({ run }: { run: RunDetail }) {
  return (
    <div class="about">
      <Note run={run} />
      <section>
        <h2>Facts</h2>
        <dl class="facts-list">
          <dt>Started</dt>
          <dd>{when(run.created)}</dd>
          <dt>Model</dt>
          <dd>{run.model ?? 'unknown'}</dd>
          <dt>Task</dt>
          <dd>{run.task ?? 'unknown'}</dd>
          {Object.entries(run.versions).map(([name, version]) => (
            <>
              <dt key={name}>{name}</dt>
              <dd>{version}</dd>
            </>
          ))}
        </dl>
      </section>
      <section>
        <h2>Checkpoints</h2>
        {run.checkpoints.length === 0 && <p class="quiet">None is kept.</p>}
        <ul>
          {run.checkpoints.map(({ step, path, score }) => (
            <li key={step}>
              step {step}: <code>{path}</code>{' '}
              {score !== null && <span class="quiet">score {short(score)}</span>}
            </li>
          ))}
        </ul>
      </section>
      <Json title="Settings" value={run.settings} />
      {run.result !== null && run.result !== undefined && <Json title="Result" value={run.result} />}
    </div>
  )
}

function Json({ title, value }: { title: string; value: unknown }) {
  const text = JSON.stringify(value, null, 2)
  return (
    <section>
      <h2>{title}</h2>
      <CopyButton label="Copy as JSON" text={() => text} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard */}
      <pre tabIndex={0}>{text}</pre>
    </section>
  )
}

/** The note and the tags, by which a run is found again. */
function Note({ run }: { run: RunDetail }) {
  const [text, setText] = useState(run.note ?? '')
  const [tags, setTags] = useState(run.tags.join(', '))
  const [said, setSaid] = useState<string | null>(null)
  const save = async (event: Event) => {
    event.preventDefault()
    const names = tags
      .split(',')
      .map((tag) => tag.trim())
      .filter(Boolean)
    try {
      await change(runPath(run.id, 'note'), { note: text })
      await change(runPath(run.id, 'tags'), { tags: names })
      setSaid('Saved')
    } catch (error) {
      setSaid(error instanceof ApiError ? error.message : String(error))
    }
  }
  return (
    <form onSubmit={(event) => void save(event)}>
      <label>
        Note
        <textarea rows={3} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <label>
        Tags, separated by commas
        <input value={tags} onInput={(event) => setTags(event.currentTarget.value)} />
      </label>
      <button type="submit" disabled={token() === null}>
        Save
      </button>{' '}
      <span role="status" class="quiet">
        {said ?? (token() === null ? <NotAllowed /> : null)}
      </span>
    </form>
  )
}

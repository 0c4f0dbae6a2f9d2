import { useState } from 'preact/hooks'
import { ApiError, change } from '../api/client.ts'
import { token } from '../api/token.ts'
import type { Schema } from '../api/types.ts'
import { useResource } from '../api/use-resource.ts'
import { Command, Read } from '../parts/notice.tsx'
import { go, link, route, setQuery } from '../router.ts'
import { NotAllowed } from './run-actions.tsx'
import { type Changes, SettingsForm } from './settings-form.tsx'

const COMMANDS: Readonly<Record<string, string>> = {
  zero: 'R1-Zero: reinforcement learning on a base model',
  sft: 'Supervised fine-tuning on worked solutions',
  r1: 'R1: the four steps of the paper, and a distilled student',
  distill: 'A smaller student learns from a teacher’s answers',
}

/** A form for each command that begins a run. Settings that are left alone keep their defaults. */
export function StartRun() {
  const forms = useResource<{ forms: Readonly<Record<string, Schema>> }>('forms')
  return (
    <>
      <h1>Start a run</h1>
      <Read of={forms} what="the settings">
        {({ forms: all }) => {
          const name = route.value.query.command ?? Object.keys(all)[0] ?? 'zero'
          return (
            <>
              <nav class="shortcuts" aria-label="Commands">
                {Object.keys(all).map((command) => (
                  <button
                    key={command}
                    type="button"
                    aria-pressed={command === name}
                    onClick={() => setQuery({ command })}
                  >
                    {command}
                  </button>
                ))}
              </nav>
              <p>{COMMANDS[name]}</p>
              {all[name] && <Form key={name} command={name} schema={all[name]} />}
            </>
          )
        }}
      </Read>
    </>
  )
}

function Form({ command, schema }: { command: string; schema: Schema }) {
  const [changes, setChanges] = useState<Changes>({})
  const [said, setSaid] = useState<{ text: string; isProblem: boolean } | null>(null)
  const start = async (event: Event) => {
    event.preventDefault()
    setSaid({ text: 'Starting …', isProblem: false })
    try {
      const { id } = await change<{ id: string }>('runs', { command, settings: nested(changes) })
      go(link(['run', id]))
    } catch (error) {
      const text =
        error instanceof ApiError ? [error.message, error.help].filter(Boolean).join(' ') : String(error)
      setSaid({ text, isProblem: true })
    }
  }
  const set = Object.entries(changes).map(([path, value]) => ` --set ${path}=${shellWord(value)}`)
  return (
    <form class="start" onSubmit={(event) => void start(event)}>
      <SettingsForm schema={schema} changes={changes} onChange={setChanges} />
      <div class="toolbar sticky">
        <button type="submit" disabled={token() === null}>
          Start {command}
        </button>
        <Command>{`npx ruminate ${command}${set.join('')}`}</Command>
      </div>
      {token() === null && (
        <p class="quiet">
          <NotAllowed />
        </p>
      )}
      {said && (
        <p class={said.isProblem ? 'problem' : 'quiet'} role={said.isProblem ? 'alert' : 'status'}>
          {said.text}
        </p>
      )}
    </form>
  )
}

/** `{'rl.groupSize': 16}` as `{rl: {groupSize: 16}}`. */
function nested(changes: Changes): Record<string, unknown> {
  const settings: Record<string, unknown> = {}
  for (const [path, value] of Object.entries(changes)) {
    const names = path.split('.')
    let place = settings
    for (const name of names.slice(0, -1)) {
      place[name] ??= {}
      place = place[name] as Record<string, unknown>
    }
    place[names.at(-1)!] = value
  }
  return settings
}

const shellWord = (value: unknown): string => {
  const text = String(value)
  return /^[\w./:@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

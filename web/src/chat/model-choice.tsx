import { useState } from 'preact/hooks'
import type { ChatModel, RunSummary } from '../api/types.ts'

interface Props {
  readonly label: string
  readonly value: string
  /** The models of the run that is talked to. */
  readonly models: readonly ChatModel[]
  readonly runs: readonly RunSummary[]
  readonly onChange: (model: string) => void
}

const ELSEWHERE = 'elsewhere'

/** The run of a model's name: "zero-1" of "zero-1@20". */
export const runOf = (model: string): string => model.replace(/@(base|\d+)$/, '')

/** Chooses a model of a run, or one of a provider by its name. */
export function ModelChoice({ label, value, models, runs, onChange }: Props) {
  const [isElsewhere, setIsElsewhere] = useState(false)
  const others = runs.filter(({ id }) => id !== models[0]?.run)
  const isListed = models.some(({ name }) => name === value) || others.some(({ id }) => id === value)
  const choose = (name: string) => {
    setIsElsewhere(name === ELSEWHERE)
    if (name !== ELSEWHERE) onChange(name)
  }
  return (
    <span class="group">
      <label>
        {label}{' '}
        <select
          value={isElsewhere ? ELSEWHERE : value}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          {!isListed && <option value={value}>{value || 'none'}</option>}
          {models.length > 0 && (
            <optgroup label={models[0]!.run}>
              {models.map((model) => (
                <option key={model.name} value={model.name}>
                  {model.run}, {told(model)}
                </option>
              ))}
            </optgroup>
          )}
          <optgroup label="Other runs">
            {others.map(({ id }) => (
              <option key={id} value={id}>
                {id}
              </option>
            ))}
          </optgroup>
          <option value={ELSEWHERE}>another model …</option>
        </select>
      </label>
      {isElsewhere && (
        <input
          placeholder="ollama:deepseek-r1:7b"
          aria-label={`${label}: the name of a model`}
          onChange={(event) => {
            setIsElsewhere(false)
            onChange(event.currentTarget.value.trim())
          }}
        />
      )}
    </span>
  )
}

function told({ kind, step }: ChatModel): string {
  if (kind === 'base') return 'before training'
  if (kind === 'trained') return 'trained'
  return `at step ${step}`
}

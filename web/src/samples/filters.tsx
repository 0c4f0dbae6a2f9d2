import type { TargetedInputEvent } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { route, setQuery } from '../router.ts'

/** The parameters of the address that choose samples; the server takes the same. */
export const FILTERS = [
  'step',
  'split',
  'correct',
  'stop',
  'text',
  'asked',
  'question',
  'kind',
  'minReward',
  'maxReward',
  'minLength',
  'maxLength',
  'language',
  'sort',
  'order',
] as const

/** Milliseconds after the last key before what is typed is looked for. */
const CALM = 250

/** The form that chooses samples. What it says is in the address. */
export function Filters() {
  return (
    <form class="filters" onSubmit={(event) => event.preventDefault()} aria-label="Choose samples">
      <Field name="text" label="Response" type="search" />
      <Field name="asked" label="Question" type="search" />
      <Field name="step" label="Step" type="number" />
      <Choice
        name="correct"
        label="Answer"
        choices={[
          ['right', 'right'],
          ['wrong', 'wrong'],
          ['unknown', 'not checked'],
        ]}
      />
      <Choice
        name="split"
        label="Part"
        choices={[
          ['train', 'training'],
          ['eval-before', 'held out, before'],
          ['eval*', 'held out, at any time'],
          ['eval-after', 'held out, after'],
        ]}
      />
      <Choice
        name="sort"
        label="Sorted by"
        none="step"
        choices={[
          ['reward', 'reward'],
          ['length', 'length'],
          ['advantage', 'advantage'],
        ]}
      />
      <Choice name="order" label="Order" none="highest first" choices={[['asc', 'lowest first']]} />
      <details>
        <summary>More</summary>
        <div>
          <Choice
            name="stop"
            label="Ended"
            choices={[
              ['stop', 'by itself'],
              ['length', 'cut off'],
            ]}
          />
          <Field name="kind" label="Kind of question" type="search" />
          <Choice
            name="language"
            label="Languages"
            choices={[
              ['single', 'one'],
              ['mixed', 'several'],
            ]}
          />
          <Field name="minReward" label="Reward from" type="number" />
          <Field name="maxReward" label="Reward to" type="number" />
          <Field name="minLength" label="Tokens from" type="number" />
          <Field name="maxLength" label="Tokens to" type="number" />
        </div>
      </details>
      <button type="button" class="plain" onClick={() => setQuery(NOTHING)}>
        Clear
      </button>
    </form>
  )
}

const NOTHING = Object.fromEntries(FILTERS.map((name) => [name, null]))

type Name = (typeof FILTERS)[number]

function Field({ name, label, type }: { name: Name; label: string; type: 'search' | 'number' }) {
  const there = route.value.query[name] ?? ''
  const [typed, setTyped] = useState(there)
  useEffect(() => setTyped(there), [there])
  useEffect(() => {
    if (typed === there) return
    const timer = setTimeout(() => setQuery({ [name]: typed }), CALM)
    return () => clearTimeout(timer)
  }, [typed, there, name])
  const field = {
    id: `filter-${name}`,
    value: typed,
    onInput: (event: TargetedInputEvent<HTMLInputElement>) => setTyped(event.currentTarget.value),
  }
  return (
    <label for={field.id}>
      {label}
      {type === 'number' ? <input {...field} type="number" step="any" /> : <input {...field} type="search" />}
    </label>
  )
}

interface ChoiceProps {
  readonly name: Name
  readonly label: string
  readonly none?: string
  readonly choices: readonly (readonly [value: string, label: string])[]
}

function Choice({ name, label, none = 'any', choices }: ChoiceProps) {
  return (
    <label>
      {label}
      <select
        value={route.value.query[name] ?? ''}
        onChange={(event) => setQuery({ [name]: event.currentTarget.value })}
      >
        <option value="">{none}</option>
        {choices.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  )
}

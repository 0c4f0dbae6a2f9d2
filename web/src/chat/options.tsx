/** How a model is asked. Null is what the model has been trained with, or no limit. */
export interface Options {
  readonly temperature: number | null
  readonly seed: number
  /** Tokens of thinking at most. */
  readonly budget: number | null
  readonly strategy: 'none' | 'vote' | 'best-of-n' | 'refine'
  /** Votes, responses to choose from, or rounds. */
  readonly samples: number
  /** The run whose reward model chooses or weighs; null: none. */
  readonly reward: string | null
  /** Are the earlier turns sent? Null: where the model's template has a place for them. */
  readonly memory: boolean | null
}

export const NO_OPTIONS: Options = {
  temperature: null,
  seed: 0,
  budget: null,
  strategy: 'none',
  samples: 8,
  reward: null,
  memory: null,
}

interface Props {
  readonly options: Options
  /** The runs that trained a reward model. */
  readonly rewardRuns: readonly string[]
  readonly onChange: (options: Options) => void
}

const COUNTED = { vote: 'Votes', 'best-of-n': 'Responses', refine: 'Rounds' } as const

/** The form of the options. */
export function OptionsForm({ options, rewardRuns, onChange }: Props) {
  const set = (changes: Partial<Options>) => onChange({ ...options, ...changes })
  return (
    <details class="options">
      <summary>How to ask</summary>
      <div class="filters">
        <Numeric
          label="Temperature"
          value={options.temperature}
          step={0.1}
          onChange={(temperature) => set({ temperature })}
        />
        <Numeric label="Seed" value={options.seed} step={1} onChange={(seed) => set({ seed: seed ?? 0 })} />
        <Numeric
          label="Thinking tokens at most"
          value={options.budget}
          step={1}
          onChange={(budget) => set({ budget })}
        />
        <label>
          Strategy
          <select
            value={options.strategy}
            onChange={(event) => set({ strategy: event.currentTarget.value as Options['strategy'] })}
          >
            <option value="none">one response</option>
            <option value="vote">vote</option>
            <option value="best-of-n">best of n</option>
            <option value="refine">refine</option>
          </select>
        </label>
        {options.strategy !== 'none' && (
          <Numeric
            label={COUNTED[options.strategy]}
            value={options.samples}
            step={1}
            onChange={(samples) => set({ samples: samples ?? 1 })}
          />
        )}
        {(options.strategy === 'vote' || options.strategy === 'best-of-n') && (
          <label>
            Reward model
            <select
              value={options.reward ?? ''}
              onChange={(event) => set({ reward: event.currentTarget.value || null })}
            >
              <option value="">none</option>
              {rewardRuns.map((id) => (
                <option key={id} value={id}>
                  {id}
                </option>
              ))}
            </select>
          </label>
        )}
        <label>
          Earlier turns
          <select
            value={String(options.memory ?? '')}
            onChange={({ currentTarget: { value } }) =>
              set({ memory: value === '' ? null : value === 'true' })
            }
          >
            <option value="">if its template allows</option>
            <option value="true">sent</option>
            <option value="false">not sent</option>
          </select>
        </label>
      </div>
    </details>
  )
}

interface NumericProps {
  readonly label: string
  readonly value: number | null
  readonly step: number
  readonly onChange: (value: number | null) => void
}

const Numeric = ({ label, value, step, onChange }: NumericProps) => (
  <label>
    {label}
    <input
      type="number"
      min={0}
      step={step}
      value={value ?? ''}
      onInput={(event) =>
        onChange(event.currentTarget.value === '' ? null : Number(event.currentTarget.value))
      }
    />
  </label>
)

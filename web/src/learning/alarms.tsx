import type { RunEvent } from '../api/types.ts'
import { plural } from '../numbers.ts'
import { link } from '../router.ts'
import { visible } from '../text/readable.ts'
import { show } from './range.ts'

/** What an alarm is about, and which samples of its step to read. */
interface Reading {
  readonly title: string
  readonly advice: string
  readonly query: Readonly<Record<string, string>>
}

function readingOf({ message }: RunEvent): Reading {
  if (/reward hacking/i.test(message))
    return {
      title: 'Reward hacking',
      advice: 'A reward has risen, but the answers have become worse. Read those that it likes most.',
      query: { sort: 'reward', order: 'desc' },
    }
  return {
    title: 'Warning',
    advice: 'Read the answers of this step that got least.',
    query: { sort: 'reward', order: 'asc' },
  }
}

/** Steps that are shown on either side of an alarm. */
const AROUND = 20

export const isAlarm = ({ level }: RunEvent): boolean => level !== 'info'

/** The alarms of a run: where they rose, what they say, and the samples to read. */
export function Alarms({ id, alarms }: { id: string; alarms: readonly RunEvent[] }) {
  if (alarms.length === 0) return null
  const steps = [...new Set(alarms.map(({ step }) => step))]
  return (
    <details class="alarms">
      <summary>
        {plural(alarms.length, 'alarm')}, at step {new Intl.ListFormat('en').format(steps.map(String))}
      </summary>
      <ul>
        {alarms.map((alarm) => {
          const { title, advice, query } = readingOf(alarm)
          return (
            <li key={`${alarm.step} ${alarm.message}`}>
              <h2>
                {title}, at step {alarm.step}
              </h2>
              <p>{visible(alarm.message)}</p>
              <p class="quiet">{advice}</p>
              <p class="toolbar">
                <a href={link(['run', id, 'samples'], { step: alarm.step, ...query })}>
                  Samples of step {alarm.step}
                </a>
                <button
                  type="button"
                  class="plain"
                  onClick={() => show([alarm.step - AROUND, alarm.step + AROUND])}
                >
                  Show it in the plots
                </button>
              </p>
            </li>
          )
        })}
      </ul>
    </details>
  )
}

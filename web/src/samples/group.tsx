import { useState } from 'preact/hooks'
import type { Sample } from '../api/types.ts'
import { short, signed } from '../numbers.ts'
import { link } from '../router.ts'
import { Response } from './response.tsx'
import { stopped, Verdict } from './verdict.tsx'

const ORDERS = {
  reward: (a: Sample, b: Sample) => (b.total ?? 0) - (a.total ?? 0),
  length: (a: Sample, b: Sample) => b.length - a.length,
  sampled: (a: Sample, b: Sample) => a.id - b.id,
}

/** All responses to a question in one step, side by side. The advantage of each is measured against the others. */
export function Group({
  run,
  samples,
  current,
}: {
  run: string
  samples: readonly Sample[]
  current: number
}) {
  const [order, setOrder] = useState<keyof typeof ORDERS>('reward')
  return (
    <section>
      <div class="toolbar">
        <h2>The group: {samples.length} responses to this question</h2>
        <label class="end">
          Sorted by{' '}
          <select
            value={order}
            onChange={(event) => setOrder(event.currentTarget.value as keyof typeof ORDERS)}
          >
            <option value="reward">reward</option>
            <option value="length">length</option>
            <option value="sampled">sampling</option>
          </select>
        </label>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard */}
      <section class="side-by-side" tabIndex={0} aria-label="Responses side by side">
        {samples.toSorted(ORDERS[order]).map((sample) => (
          <article key={sample.id} class={sample.id === current ? 'current' : ''}>
            <h3>
              <a href={link(['run', run, 'samples', sample.id])}>
                {sample.id === current ? 'This response' : `Response ${sample.id}`}
              </a>
            </h3>
            <p class="facts">
              <Verdict of={sample} />
              <span>reward {short(sample.total)}</span>
              <span>advantage {signed(sample.advantage)}</span>
              <span>
                {sample.length} tokens, {stopped(sample)}
              </span>
            </p>
            <Response sample={sample} />
          </article>
        ))}
      </section>
    </section>
  )
}

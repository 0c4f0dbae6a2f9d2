import { runPath, withQuery } from '../api/client.ts'
import type { SamplePage } from '../api/types.ts'
import { useResource } from '../api/use-resource.ts'
import { askedIn } from '../samples/verdict.tsx'
import { visible } from '../text/readable.ts'

const COUNT = 4

/** Questions of the run's own task that it was not trained on. A click asks one. */
export function Suggestions({ run, onChoose }: { run: string; onChoose: (question: string) => void }) {
  const path = withQuery(runPath(run, 'samples'), { split: 'eval-before', limit: COUNT })
  const { data } = useResource<SamplePage>(path)
  if (data === null || data.samples.length === 0) return null
  return (
    <section class="suggestions">
      <h2>Questions of its task</h2>
      <div class="toolbar">
        {data.samples.map((sample) => (
          <button key={sample.id} type="button" onClick={() => onChoose(askedIn(sample))}>
            {visible(askedIn(sample))}
          </button>
        ))}
      </div>
    </section>
  )
}

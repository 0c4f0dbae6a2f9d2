import { useState } from 'preact/hooks'
import { runPath } from '../api/client.ts'
import type { QuestionHistory, RunDetail, Sample } from '../api/types.ts'
import { useResource } from '../api/use-resource.ts'
import { plural, short } from '../numbers.ts'
import { useKeys } from '../parts/keys.ts'
import { Empty, Read } from '../parts/notice.tsx'
import { link } from '../router.ts'
import { visible } from '../text/readable.ts'
import { Response } from './response.tsx'
import { askedIn, splitName, Verdict, verdictOf } from './verdict.tsx'

/** What the same question was answered, from the first step to the last. */
export function QuestionPage({ run, question }: { run: RunDetail; question: string }) {
  const resource = useResource<QuestionHistory>(runPath(run.id, 'questions', question))
  return (
    <Read of={resource} what="the answers to this question">
      {(history) =>
        history.samples.length === 0 ? (
          <Empty title="This question was never asked in this run" />
        ) : (
          <History run={run.id} history={history} />
        )
      }
    </Read>
  )
}

function History({ run, history }: { run: string; history: QuestionHistory }) {
  const { samples } = history
  const [at, setAt] = useState(samples.length - 1)
  const to = (by: 1 | -1) => () => setAt(Math.min(Math.max(at + by, 0), samples.length - 1))
  useKeys({ j: to(1), k: to(-1) })
  const [first] = samples
  const right = samples.filter(({ correct }) => correct).length
  return (
    <>
      <h2 class="question">{visible(askedIn(first!))}</h2>
      <p class="facts">
        <span>
          expected <b>{visible(history.gold)}</b>
        </span>
        <span>
          {plural(samples.length, 'answer')}, {right} right
        </span>
      </p>
      <div class="timeline">
        <ol aria-label="Answers by step">
          {samples.map((sample, i) => (
            <li key={sample.id}>
              <button
                type="button"
                class={verdictOf(sample)}
                aria-pressed={i === at}
                aria-label={`Answer of step ${sample.step}: ${verdictOf(sample)}`}
                title={`step ${sample.step}`}
                onClick={() => setAt(i)}
              >
                {{ right: '✓', wrong: '✗', unknown: '?' }[verdictOf(sample)]}
              </button>
            </li>
          ))}
        </ol>
        <p class="quiet">
          From step {first!.step} to step {samples.at(-1)!.step}. Choose an answer, or use <kbd>j</kbd> and{' '}
          <kbd>k</kbd>.
        </p>
      </div>
      <div class="columns even">
        <Answer title="First" run={run} sample={first!} />
        <Answer title={at === samples.length - 1 ? 'Last' : 'Chosen'} run={run} sample={samples[at]!} />
      </div>
    </>
  )
}

/** One answer of several to a question, with its step. */
export function Answer({ title, run, sample }: { title: string; run: string; sample: Sample }) {
  return (
    <article class="card">
      <h2>
        {title}: <a href={link(['run', run, 'samples', sample.id])}>step {sample.step}</a>
      </h2>
      <p class="facts">
        <Verdict of={sample} />
        <span>{splitName(sample.split)}</span>
        {sample.total !== null && <span>reward {short(sample.total)}</span>}
        <span>{sample.length} tokens</span>
      </p>
      <Response sample={sample} />
    </article>
  )
}

import { runPath } from '../api/client.ts'
import type { AhaStory, RunDetail, SampleDetail, Series } from '../api/types.ts'
import { useResource } from '../api/use-resource.ts'
import { STEPS } from '../learning/axis.ts'
import { Chart } from '../learning/chart.tsx'
import { lineColour } from '../learning/colours.ts'
import { percent, short } from '../numbers.ts'
import { Empty, Read } from '../parts/notice.tsx'
import { link } from '../router.ts'
import { Answer } from '../samples/question-page.tsx'
import { askedIn } from '../samples/verdict.tsx'
import { visible } from '../text/readable.ts'

/** The story of a run: when the model began to check itself, how its responses grew, and what that changed. */
export function Aha({ run }: { run: RunDetail }) {
  const resource = useResource<AhaStory>(runPath(run.id, 'aha'))
  return (
    <Read of={resource} what="the story of this run">
      {(story) =>
        story.reflection.step.length === 0 && story.firstReflection === null ? (
          <Empty title="There is no story yet">
            <p>It is told from the responses of reinforcement learning, and this run has none.</p>
          </Empty>
        ) : (
          <Story run={run.id} story={story} />
        )
      }
    </Read>
  )
}

function Story({ run, story }: { run: string; story: AhaStory }) {
  const { firstReflection, rise, reflection, length, accuracy, changed } = story
  return (
    <div class="story">
      <section>
        <h2>1. It begins to check itself</h2>
        {firstReflection ? (
          <First run={run} {...firstReflection} />
        ) : (
          <p>No response of this run has a reflective word.</p>
        )}
      </section>
      <section>
        <h2>2. It does so more and more</h2>
        <p>
          {change('Reflective words in a response', reflection, short)}
          {rise && (
            <>
              {' '}
              From step {rise.step} on they stay clearly above those of the beginning.
              {rise.sampleId !== null && (
                <>
                  {' '}
                  <a href={link(['run', run, 'samples', rise.sampleId])}>A response of that step</a>
                </>
              )}
            </>
          )}
        </p>
        <Course
          title="Reflective words"
          about="In each response, on average."
          series={reflection}
          format={short}
        />
      </section>
      <section>
        <h2>3. It thinks longer, and is right more often</h2>
        <p>
          {change('Tokens of a response', length, short)} {change('Right answers', accuracy, percent)}
        </p>
        <Course title="Response length" about="Tokens, on average." series={length} format={short} />
        <Course title="Accuracy" about="The share of right answers." series={accuracy} format={percent} />
      </section>
      <section>
        <h2>4. The question whose answers changed most</h2>
        {changed ? (
          <>
            <p class="question">
              <a href={link(['run', run, 'question', changed.question])}>{visible(askedIn(changed.after))}</a>
            </p>
            <div class="columns even">
              <Answer title="Before" run={run} sample={changed.before} />
              <Answer title="After" run={run} sample={changed.after} />
            </div>
          </>
        ) : (
          <p>No question has been answered both early and late yet.</p>
        )}
      </section>
    </div>
  )
}

function First({ run, step, sampleId }: { run: string; step: number; sampleId: number }) {
  const sample = useResource<SampleDetail>(runPath(run, 'samples', sampleId))
  return (
    <>
      <p>The first response in which the model checks itself is of step {step}.</p>
      <Read of={sample} what="this response">
        {(data) => <Answer title="The first" run={run} sample={data} />}
      </Read>
    </>
  )
}

function Course(props: { title: string; about: string; series: Series; format: typeof short }) {
  const { title, about, series, format } = props
  const line = { label: title, colour: lineColour(0), step: series.step, value: series.value }
  return <Chart title={title} about={about} lines={[line]} axis={STEPS} format={format} />
}

/** "Tokens of a response: from 35 in the first steps to 94 in the last." */
function change(what: string, { value }: Series, format: typeof short): string {
  if (value.length < 2) return `${what}: not known yet.`
  const few = Math.max(1, Math.min(5, Math.floor(value.length / 4)))
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
  return `${what}: from ${format(mean(value.slice(0, few)))} in the first steps to ${format(mean(value.slice(-few)))} in the last.`
}

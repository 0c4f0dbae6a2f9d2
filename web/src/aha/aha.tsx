import { runPath } from '../api/client.ts'
import type { AhaStory, RunDetail, SampleDetail, Series } from '../api/types.ts'
import { useResource } from '../api/use-resource.ts'
import { STEPS } from '../learning/axis.ts'
import { Chart } from '../learning/chart.tsx'
import type { Moment } from '../learning/chart-marks.ts'
import { lineColour } from '../learning/colours.ts'
import { type Format, SHARE } from '../learning/panels.ts'
import { useBounds } from '../learning/range.ts'
import { percent, short } from '../numbers.ts'
import { Command, Empty, Read } from '../parts/notice.tsx'
import { Stages } from '../parts/stages.tsx'
import { useChange } from '../parts/use-change.ts'
import { PanelPlot } from '../plots/panel-plot.tsx'
import { link } from '../router.ts'
import { Answer } from '../samples/question-page.tsx'
import { askedIn } from '../samples/verdict.tsx'
import { visible } from '../text/readable.ts'

/** Steps after which the story of a run in progress is read again. */
const CHAPTER = 5

/** The story of a run: when the model began to check itself, how its responses grew, and what that changed. */
export function Aha({ run }: { run: RunDetail }) {
  const resource = useResource<AhaStory>(runPath(run.id, 'aha'))
  // The story goes on with the run.
  useChange(`${Math.floor(run.steps.done / CHAPTER)} ${run.status}`, resource.reload)
  return (
    <Read of={resource} what="the story of this run">
      {(story) =>
        story.reflection.step.length === 0 && story.firstReflection === null ? (
          <NoStory run={run} />
        ) : (
          <Story run={run.id} steps={run.steps.done} story={story} />
        )
      }
    </Read>
  )
}

/** The story is told from the responses of reinforcement learning. */
const NoStory = ({ run }: { run: RunDetail }) =>
  run.sections.length > 0 ? (
    <Empty title="Each stage of this run that is reinforcement learning has its own story">
      <Stages of={run} page="aha" />
    </Empty>
  ) : run.recipe === 'zero' ? (
    <Empty title="There is no story yet">
      <p>It begins with the first step.</p>
    </Empty>
  ) : (
    <Empty title="This run has no story">
      <p>
        It would be told from the responses of reinforcement learning: <Command>npx ruminate zero</Command>
      </p>
    </Empty>
  )

function Story({ run, steps, story }: { run: string; steps: number; story: AhaStory }) {
  useBounds(steps)
  const { firstReflection: first, rise, reflection, length, accuracy, changed } = story
  const moments = [
    ...(first ? [{ step: first.step, name: 'first' }] : []),
    ...(rise && rise.step !== first?.step ? [{ step: rise.step, name: 'more often' }] : []),
  ]
  return (
    <div class="story">
      <section>
        <h2>1. {rise || !first ? 'It begins to check itself' : 'It checks itself now and then'}</h2>
        {first === null && <p>No response of this run has a reflective word, such as “wait” or “check”.</p>}
        {rise && (
          <p>
            From <strong>step {rise.step}</strong> on, the model checks itself clearly more often than at the
            beginning.
          </p>
        )}
        {first && (
          <p class={rise ? 'quiet' : ''}>
            The first step with a reflective word, such as “wait” or “check”, in a training response is{' '}
            <a href={link(['run', run, 'samples', first.sampleId])}>step {first.step}</a>
            {rise ? ', so the model could do it before' : '. Such words do not become clearly more frequent'}.
          </p>
        )}
        <div class="columns even">
          {first && first.sampleId !== rise?.sampleId && (
            <Shown title="The first" run={run} sampleId={first.sampleId} />
          )}
          {rise && rise.sampleId !== null && (
            <Shown title="When it became a habit" run={run} sampleId={rise.sampleId} />
          )}
        </div>
      </section>
      <section>
        <h2>2. How often it does so</h2>
        <p>{change('Reflective words in a response', reflection, short)}</p>
        <Course
          title="Reflective words"
          about="In each response, on average."
          series={reflection}
          moments={moments}
          format={short}
        />
      </section>
      <section>
        <h2>3. How long it thinks, and how often it is right</h2>
        <p>
          {change('Tokens of a response', length, short)} {change('Right answers', accuracy, percent)}
        </p>
        <div class="columns even">
          <Course
            title="Response length"
            about="Tokens, on average."
            series={length}
            moments={moments}
            format={short}
          />
          <Course
            title="Accuracy"
            about="The share of right answers."
            series={accuracy}
            moments={moments}
            {...SHARE}
          />
        </div>
        <LengthAgainstAccuracy length={length} accuracy={accuracy} />
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
          <p>No held-out question that was answered wrong before the training is answered right yet.</p>
        )}
      </section>
    </div>
  )
}

/** A response that the story tells of, which is read when it is shown. */
function Shown({ title, run, sampleId }: { title: string; run: string; sampleId: number }) {
  const sample = useResource<SampleDetail>(runPath(run, 'samples', sampleId))
  return (
    <Read of={sample} what="this response">
      {(data) => <Answer title={title} run={run} sample={data} />}
    </Read>
  )
}

interface CourseProps {
  readonly title: string
  readonly about: string
  readonly series: Series
  readonly moments: readonly Moment[]
  readonly format: Format
  readonly tick?: Format
}

function Course({ series, title, ...chart }: CourseProps) {
  const line = { ...series, label: title, colour: lineColour(0) }
  return <Chart {...chart} title={title} lines={[line]} axis={STEPS} />
}

const THIRDS = ['the first third of the run', 'the second', 'the last']

/** Each step, by the length of its responses and its accuracy. */
function LengthAgainstAccuracy({ length, accuracy }: Pick<AhaStory, 'length' | 'accuracy'>) {
  const right = new Map(accuracy.step.map((step, i) => [step, accuracy.value[i] ?? null]))
  const points = length.step.flatMap((step, i) => {
    const [x, y] = [length.value[i] ?? null, right.get(step) ?? null]
    return x === null || y === null ? [] : [{ x, y, low: null, high: null, of: null }]
  })
  if (points.length < THIRDS.length) return null
  const third = Math.ceil(points.length / THIRDS.length)
  return (
    <PanelPlot
      isJoined={false}
      panel={{
        title: 'Length against accuracy',
        x: { label: 'tokens of a response', scale: 'linear', ticks: null },
        y: { label: 'The share of right answers; a point for each step.', share: true },
        series: THIRDS.map((name, i) => ({ name, points: points.slice(i * third, (i + 1) * third) })),
      }}
    />
  )
}

/** "Tokens of a response: from 35 in the first steps to 94 in the last." */
function change(what: string, series: Series, format: Format): string {
  const value = series.value.filter((one) => one !== null)
  if (value.length < 2) return `${what}: not known yet.`
  const few = Math.max(1, Math.min(5, Math.floor(value.length / 4)))
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
  return `${what}: from ${format(mean(value.slice(0, few)))} in the first steps to ${format(mean(value.slice(-few)))} in the last.`
}

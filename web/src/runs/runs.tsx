import { useState } from 'preact/hooks'
import type { RunSummary } from '../api/types.ts'
import { duration, percent, plural, shortPath, UNKNOWN, when } from '../numbers.ts'
import { csv, download } from '../parts/download.ts'
import { Command, Empty, Read } from '../parts/notice.tsx'
import { Sparkline } from '../parts/sparkline.tsx'
import { State } from '../parts/state.tsx'
import { go, link, route, setQuery } from '../router.ts'
import { visible } from '../text/readable.ts'
import { asTree, type Placed, useRuns } from './use-runs.ts'

/** All runs: what they are, how far they are, how well they do. */
export function Runs() {
  const runs = useRuns()
  return (
    <>
      <div class="head">
        <h1>Runs</h1>
        <a class="button" href={link(['start'])}>
          Start a run
        </a>
      </div>
      <Read of={runs} what="the runs">
        {(all) => (all.length > 0 ? <Table runs={all} /> : <NoRuns />)}
      </Read>
    </>
  )
}

const NoRuns = () => (
  <Empty title="There are no runs in this folder yet">
    <p>
      This trains a small model to think, in three to five minutes: <Command>npx ruminate zero</Command>
    </p>
    <p>
      The run appears here when it begins. Runs in another folder:{' '}
      <Command>npx ruminate studio FOLDER</Command>
    </p>
  </Empty>
)

function Table({ runs: all }: { runs: readonly RunSummary[] }) {
  const { find = '', tag } = route.value.query
  const [chosen, setChosen] = useState<readonly string[]>([])
  const runs = all.filter((run) => isLike(run, find, tag))
  const tree = asTree(runs)
  const tags = [...new Set(all.flatMap((run) => run.tags))].sort()
  const choose = (id: string) =>
    setChosen(chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id])
  const compare = () => go(link(['run', chosen[0]!, 'learning'], { with: chosen.slice(1).join(',') }))
  return (
    <>
      <div class="toolbar">
        <button type="button" disabled={chosen.length < 2} onClick={compare}>
          Compare {chosen.length < 2 ? 'runs' : plural(chosen.length, 'run')}
        </button>
        {chosen.length < 2 && <span class="quiet">Choose two or more to see them in the same plots.</span>}
        <span class="group end">
          <label>
            Find{' '}
            <input
              type="search"
              value={find}
              onInput={(event) => setQuery({ find: event.currentTarget.value })}
            />
          </label>
          {tags.length > 0 && (
            <label>
              Tag{' '}
              <select value={tag ?? ''} onChange={(event) => setQuery({ tag: event.currentTarget.value })}>
                <option value="">any</option>
                {tags.map((name) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
          )}
          <button type="button" class="plain" onClick={() => download('runs.csv', asCsv(runs))}>
            Save as CSV
          </button>
        </span>
      </div>
      {runs.length === 0 && (
        <Empty title="No run is like this">
          <button type="button" onClick={() => setQuery({ find: null, tag: null })}>
            Show all runs
          </button>
        </Empty>
      )}
      <table class="runs">
        <caption class="hidden">Runs, newest first; the stages of a run are below it</caption>
        <thead>
          <tr>
            <th scope="col">
              <span class="hidden">Compare</span>
            </th>
            <th scope="col">Run</th>
            <th scope="col">State</th>
            <th scope="col">Progress</th>
            <th scope="col" class="number">
              Accuracy
            </th>
            <th scope="col">Curve</th>
            <th scope="col">Model and task</th>
            <th scope="col">Started</th>
          </tr>
        </thead>
        <tbody>
          {tree.map((placed) => (
            <Row
              key={placed.run.id}
              {...placed}
              isChosen={chosen.includes(placed.run.id)}
              onChoose={() => choose(placed.run.id)}
            />
          ))}
        </tbody>
      </table>
    </>
  )
}

function Row({ run, level, isChosen, onChoose }: Placed & { isChosen: boolean; onChoose: () => void }) {
  return (
    <tr class={`level-${Math.min(level, 3)}`}>
      <td class="check">
        <input
          type="checkbox"
          checked={isChosen}
          onChange={onChoose}
          aria-label={`Compare ${run.id} with others`}
        />
      </td>
      <th scope="row">
        <a href={link(['run', run.id])}>{level > 0 ? run.id.split('/').at(-1) : run.id}</a>
        <span class="recipe">{run.recipe}</span>
        <Tags of={run} />
        {run.note && <span class="note">{visible(run.note)}</span>}
        {run.problem && <span class="note wrong">{run.problem}</span>}
      </th>
      <td data-label="State">
        <State status={run.status} />
      </td>
      <td data-label="Progress">
        <Progress run={run} />
      </td>
      <td data-label="Accuracy" class="number">
        {percent(run.accuracy?.value)}
        {run.accuracy && <span class="quiet"> at step {run.accuracy.step}</span>}
      </td>
      <td data-label={run.sparkName ?? 'Curve'}>
        <Sparkline values={run.spark} name={run.sparkName} />
      </td>
      <td data-label="Model and task" class="names">
        <span title={run.model ?? ''}>{run.model === null ? UNKNOWN : shortPath(run.model)}</span>
        <span class="quiet" title={run.task ?? ''}>
          {run.task === null ? UNKNOWN : shortPath(run.task)}
        </span>
      </td>
      <td data-label="Started" class="quiet">
        {when(run.created)}
      </td>
    </tr>
  )
}

/** Does a run, or a stage of it, have the tag, and the text in what is known of it? */
const isLike = ({ id, recipe, model, task, note, tags }: RunSummary, find: string, tag?: string): boolean =>
  (tag === undefined || tags.includes(tag)) &&
  [id, recipe, model, task, note, ...tags].some((text) => text?.toLowerCase().includes(find.toLowerCase()))

/** The tags of a run. Each leads to the runs that have it. */
export const Tags = ({ of: { tags } }: { of: RunSummary }) => (
  <>
    {tags.map((tag) => (
      <a key={tag} class="tag" href={link(['runs'], { tag })}>
        {visible(tag)}
      </a>
    ))}
  </>
)

/** Steps done and planned, and the time left of a run in progress. */
export function Progress({ run }: { run: RunSummary }) {
  const { done, planned } = run.steps
  return (
    <span class="progress">
      {planned !== null && planned > 0 && run.status !== 'done' && (
        <progress max={planned} value={done} aria-label={`${done} of ${planned} steps`} />
      )}
      <span>
        {planned === null || run.status === 'done' ? plural(done, 'step') : `${done} of ${planned} steps`}
        {run.status === 'running' && run.secondsLeft !== null && `, ${duration(run.secondsLeft)} left`}
      </span>
    </span>
  )
}

const asCsv = (runs: readonly RunSummary[]): Blob =>
  csv(
    ['id', 'recipe', 'status', 'model', 'task', 'steps', 'planned', 'accuracy', 'created', 'tags', 'note'],
    runs.map((run) => [
      run.id,
      run.recipe,
      run.status,
      run.model,
      run.task,
      run.steps.done,
      run.steps.planned,
      run.accuracy?.value,
      run.created,
      run.tags.join(' '),
      run.note,
    ]),
  )

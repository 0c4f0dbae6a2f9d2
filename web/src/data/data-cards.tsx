import { runPath, withQuery } from '../api/client.ts'
import type { DataSet, RunDetail, Sample, SamplePage } from '../api/types.ts'
import { useResource } from '../api/use-resource.ts'
import { plural, short } from '../numbers.ts'
import { Command, Empty, Read } from '../parts/notice.tsx'
import { link, route, setQuery } from '../router.ts'
import { Response } from '../samples/response.tsx'
import { usePages } from '../samples/use-pages.ts'
import { askedIn } from '../samples/verdict.tsx'
import { visible } from '../text/readable.ts'
import { FileRows } from './file-rows.tsx'

const PAGE = 20

/** The data that a run made: what its card says of it, and its rows. */
export function DataCards({ run }: { run: RunDetail }) {
  const resource = useResource<{ dataSets: readonly DataSet[] }>(runPath(run.id, 'data'))
  return (
    <Read of={resource} what="the data of this run">
      {({ dataSets }) => {
        const chosen = dataSets.find(({ name }) => name === route.value.query.set) ?? dataSets[0]
        if (!chosen)
          return (
            <Empty title="This run made no data">
              <p>
                R1 makes data for its cold start, its mixed fine-tuning, and its reward models:{' '}
                <Command>npx ruminate r1</Command>
              </p>
            </Empty>
          )
        return (
          <>
            <nav class="shortcuts" aria-label="Data sets">
              {dataSets.map((set) => (
                <Choice key={set.name} set={set} isChosen={set === chosen} />
              ))}
            </nav>
            <DataCard key={chosen.name} run={run.id} set={chosen} />
          </>
        )
      }}
    </Read>
  )
}

function Choice({ set: { name, rows, file }, isChosen }: { set: DataSet; isChosen: boolean }) {
  const count = rows ?? file?.rows ?? null
  const unit = file?.kind === 'pairs' ? 'pair' : 'row'
  return (
    <button
      type="button"
      aria-pressed={isChosen}
      onClick={() => setQuery({ set: name, part: null, find: null, view: null })}
    >
      {name} {count !== null && <span class="quiet">{plural(count, unit)}</span>}
    </button>
  )
}

/** What the card of a data set says, and its rows: the candidates with their reasons, or the file that was written. */
function DataCard({ run, set }: { run: string; set: DataSet }) {
  const { name, rows, seen, card, counts, splits, file } = set
  const isFile = splits.length === 0 || route.value.query.view === 'file'
  return (
    <>
      {rows !== null && seen !== null && (
        <p>
          {plural(rows, 'row')} of {seen.toLocaleString('en')} that were looked at.
        </p>
      )}
      {counts && (
        <p class="facts">
          {Object.entries(counts).map(([what, count]) => (
            <span key={what}>
              <span class="quiet">{what}</span> {count.toLocaleString('en')}
            </span>
          ))}
        </p>
      )}
      {card && (
        <details>
          <summary>The card of {name}: how it was made</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard */}
          <pre tabIndex={0}>{visible(card)}</pre>
        </details>
      )}
      {splits.length > 0 && file && (
        <label class="inline">
          <input
            type="checkbox"
            checked={isFile}
            onChange={(event) => setQuery({ view: event.currentTarget.checked ? 'file' : null })}
          />{' '}
          only the rows that were kept, as they are learned
        </label>
      )}
      {isFile ? <FileRows run={run} name={name} /> : <Rows run={run} set={set} />}
    </>
  )
}

/** The rows that were looked at. They are samples of the run, in a split for each source. */
function Rows({ run, set }: { run: string; set: DataSet }) {
  const { part, find } = route.value.query
  const { items, page, isReading, more } = usePages<Sample, SamplePage>(
    withQuery(runPath(run, 'samples'), {
      split: part ?? `${set.name}/*`,
      text: find,
      order: 'asc',
      limit: PAGE,
    }),
    ({ samples }) => samples,
  )
  return (
    <>
      <div class="toolbar">
        <label>
          Source{' '}
          <select value={part ?? ''} onChange={(event) => setQuery({ part: event.currentTarget.value })}>
            <option value="">all</option>
            {set.splits.map((split) => (
              <option key={split} value={split}>
                {split.slice(set.name.length + 1)}
              </option>
            ))}
          </select>
        </label>
        <label>
          Text{' '}
          <input
            type="search"
            value={find ?? ''}
            onChange={(event) => setQuery({ find: event.currentTarget.value })}
          />
        </label>
        <a class="end" href={link(['run', run, 'samples'], { split: part ?? `${set.name}/*`, text: find })}>
          As samples, with all filters
        </a>
      </div>
      <Read of={page} what="the rows">
        {() => (
          <>
            {items.length === 0 && !isReading && <Empty title="No row is like this" />}
            <ol class="rows">
              {items.map((sample) => (
                <li key={sample.id} class="card">
                  <Row run={run} sample={sample} />
                </li>
              ))}
            </ol>
            {more && (
              <button type="button" onClick={more}>
                Show {PAGE} more
              </button>
            )}
          </>
        )}
      </Read>
    </>
  )
}

function Row({ run, sample }: { run: string; sample: Sample }) {
  return (
    <>
      <h2>
        <a href={link(['run', run, 'samples', sample.id])}>{visible(askedIn(sample))}</a>
      </h2>
      <p class="facts">
        <span>{visible(sample.split)}</span>
        <span>{visible(sample.kind)}</span>
        {sample.rewards.map(({ name, value, reason }) => (
          <span key={name}>
            <span class="quiet">{name}</span> {short(value)} {reason && visible(reason)}
          </span>
        ))}
      </p>
      <Response sample={sample} />
    </>
  )
}

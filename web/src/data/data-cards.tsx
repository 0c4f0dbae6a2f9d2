import { runPath, withQuery } from '../api/client.ts'
import type { DataRow, DataSet, RunDetail } from '../api/types.ts'
import { useResource } from '../api/use-resource.ts'
import { plural } from '../numbers.ts'
import { csv, download } from '../parts/download.ts'
import { Empty, Read } from '../parts/notice.tsx'
import { route, setQuery } from '../router.ts'
import { usePages } from '../samples/use-pages.ts'
import { visible } from '../text/readable.ts'
import { Row } from './row.tsx'

interface RowPage {
  readonly rows: readonly DataRow[]
  readonly next: string | null
}

const PAGE = 20

/** The data that a run made: what its card says of it, and its rows. */
export function DataCards({ run }: { run: RunDetail }) {
  const resource = useResource<{ sets: readonly DataSet[] }>(runPath(run.id, 'data'))
  return (
    <Read of={resource} what="the data of this run">
      {({ sets }) => {
        const chosen = sets.find(({ name }) => name === route.value.query.set) ?? sets[0]
        if (!chosen)
          return (
            <Empty title="This run made no data">
              <p>R1 makes data for its cold start, its mixed fine-tuning, and its reward models.</p>
            </Empty>
          )
        return (
          <>
            <nav class="shortcuts" aria-label="Data sets">
              {sets.map(({ name, rows }) => (
                <button
                  key={name}
                  type="button"
                  aria-pressed={name === chosen.name}
                  onClick={() => setQuery({ set: name, find: null })}
                >
                  {name} <span class="quiet">{plural(rows, 'row')}</span>
                </button>
              ))}
            </nav>
            {chosen.card && (
              <details>
                <summary>The card of {chosen.name}: how it was made</summary>
                <pre>{visible(chosen.card)}</pre>
              </details>
            )}
            <Rows key={chosen.name} run={run.id} set={chosen.name} />
          </>
        )
      }}
    </Read>
  )
}

function Rows({ run, set }: { run: string; set: string }) {
  const { find } = route.value.query
  const { items, page, more } = usePages<DataRow, RowPage>(
    withQuery(runPath(run, 'data'), { set, text: find, limit: PAGE }),
    ({ rows }) => rows,
  )
  return (
    <>
      <div class="toolbar">
        <label>
          Text{' '}
          <input
            type="search"
            value={find ?? ''}
            onChange={(event) => setQuery({ find: event.currentTarget.value })}
          />
        </label>
        <button type="button" class="plain end" onClick={() => download(`${set}.csv`, asCsv(items))}>
          Save as CSV
        </button>
      </div>
      <Read of={page} what="the rows">
        {() => (
          <>
            {items.length === 0 && !page.reading && <Empty title="No row is like this" />}
            <ol class="rows">
              {items.map((row, i) => (
                <li key={i} class="card">
                  <Row row={row} />
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

function asCsv(rows: readonly DataRow[]): Blob {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  return csv(
    names,
    rows.map((row) => names.map((name) => row[name])),
  )
}

import { runPath, withQuery } from '../api/client.ts'
import type { DataKind, DataPage } from '../api/types.ts'
import { short } from '../numbers.ts'
import { csv, download } from '../parts/download.ts'
import { Empty, Read } from '../parts/notice.tsx'
import { usePages } from '../samples/use-pages.ts'
import { Prose } from '../text/prose.tsx'
import { visible } from '../text/readable.ts'

type Row = DataPage['rows'][number]

const PAGE = 20

/** The rows of the file of a data set, as a model learns from them. */
export function FileRows({ run, name }: { run: string; name: string }) {
  const { items, page, first, isReading, more } = usePages<Row, DataPage>(
    withQuery(runPath(run, 'data', name), { limit: PAGE }),
    ({ rows }) => rows,
  )
  return (
    <Read of={page} what="the rows">
      {() => (
        <>
          {items.length === 0 && !isReading && <Empty title="The file has no row" />}
          <div class="toolbar">
            <button
              type="button"
              class="plain end"
              onClick={() => download(`${name}.csv`, asCsv(items))}
              disabled={items.length === 0}
            >
              Save as CSV
            </button>
          </div>
          <ol class="rows">
            {items.map((row, i) => (
              <li key={i} class="card">
                {row === null || !first ? (
                  <p class="problem">This line of the file is damaged.</p>
                ) : (
                  <Shown kind={first.kind} row={row} />
                )}
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
  )
}

function Shown({ kind, row }: { kind: DataKind; row: NonNullable<Row> }) {
  if (kind === 'pairs')
    return (
      <>
        <h2>{visible(textOf(row.prompt))}</h2>
        {typeof row.margin === 'number' && (
          <p class="quiet">The first is preferred by a margin of {short(row.margin)}.</p>
        )}
        <div class="columns even">
          <Part title="Preferred" text={row.chosen} />
          <Part title="Not preferred" text={row.rejected} />
        </div>
      </>
    )
  if (kind === 'labels')
    return (
      <>
        <h2>{visible(textOf(row.prompt))}</h2>
        <Part title={`Judged: ${visible(textOf(row.label))}`} text={row.response} />
      </>
    )
  if (kind === 'completions')
    return (
      <>
        <h2>{visible(textOf(row.prompt))}</h2>
        <Part title="Completion" text={row.completion} />
      </>
    )
  if (kind === 'demonstrations' && Array.isArray(row.messages))
    return (
      <>
        {row.messages.map((message: { role?: unknown; content?: unknown }, i: number) => (
          <Part key={i} title={textOf(message.role)} text={message.content} />
        ))}
      </>
    )
  return <div class="prose">{visible(JSON.stringify(row, null, 2))}</div>
}

const Part = ({ title, text }: { title: string; text: unknown }) => (
  <section class="answer">
    <h3>{visible(title)}</h3>
    <Prose text={textOf(text)} />
  </section>
)

const textOf = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

/** A column for each field that a row has. */
function asCsv(rows: readonly Row[]): Blob {
  const known = rows.filter((row) => row !== null)
  const names = [...new Set(known.flatMap(Object.keys))]
  return csv(
    names,
    known.map((row) => names.map((name) => row[name])),
  )
}

import { runPath, withQuery } from '../api/client.ts'
import type { Pair, PairPage, PairSet } from '../api/types.ts'
import { plural, short } from '../numbers.ts'
import { csv, download } from '../parts/download.ts'
import { Empty, Read } from '../parts/notice.tsx'
import { route, setQuery } from '../router.ts'
import { usePages } from '../samples/use-pages.ts'
import { Prose } from '../text/prose.tsx'
import { visible } from '../text/readable.ts'

const PAGE = 20

/** Preference pairs: to each prompt the answer that was preferred and the one that was not. */
export function Pairs({ run, set }: { run: string; set: PairSet }) {
  const { find } = route.value.query
  const { items, page, isReading, more } = usePages<Pair, PairPage>(
    withQuery(runPath(run, 'pairs', set.name), { text: find, limit: PAGE }),
    ({ pairs }) => pairs,
  )
  return (
    <>
      <p>
        {plural(set.rows, 'pair')} of which a reward model learns. The margin says by how much the first
        answer is preferred.
      </p>
      <div class="toolbar">
        <label>
          Text{' '}
          <input
            type="search"
            value={find ?? ''}
            onChange={(event) => setQuery({ find: event.currentTarget.value })}
          />
        </label>
        <button
          type="button"
          class="plain end"
          onClick={() => download(`${set.name}.csv`, asCsv(items))}
          disabled={items.length === 0}
        >
          Save as CSV
        </button>
      </div>
      <Read of={page} what="the pairs">
        {() => (
          <>
            {items.length === 0 && !isReading && <Empty title="No pair is like this" />}
            <ol class="rows">
              {items.map((pair, i) => (
                <li key={i} class="card">
                  <h2>{visible(pair.prompt)}</h2>
                  <p class="facts">
                    <span>margin {short(pair.margin)}</span>
                  </p>
                  <div class="columns even">
                    <section class="answer">
                      <h3>Preferred</h3>
                      <Prose text={pair.chosen} />
                    </section>
                    <section class="thinking">
                      <h3>Not preferred</h3>
                      <Prose text={pair.rejected} />
                    </section>
                  </div>
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

const asCsv = (pairs: readonly Pair[]): Blob =>
  csv(
    ['prompt', 'chosen', 'rejected', 'margin'],
    pairs.map(({ prompt, chosen, rejected, margin }) => [prompt, chosen, rejected, margin]),
  )

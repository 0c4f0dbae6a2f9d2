import { useEffect, useRef } from 'preact/hooks'
import { runPath, withQuery } from '../api/client.ts'
import type { RunDetail, Sample, SamplePage } from '../api/types.ts'
import { plural, short, signed } from '../numbers.ts'
import { csv, download } from '../parts/download.ts'
import { useKeys } from '../parts/keys.ts'
import { Command, Empty, Read } from '../parts/notice.tsx'
import { useChange } from '../parts/use-change.ts'
import { link, route, setQuery } from '../router.ts'
import { visible } from '../text/readable.ts'
import { FILTERS, Filters } from './filters.tsx'
import { remember } from './listed.ts'
import { usePages } from './use-pages.ts'
import { askedIn, stopped, Verdict } from './verdict.tsx'

const PAGE = 50
/** Characters of a response that the list shows. */
const EXCERPT = 160

/** Every response of a run, with filters. */
export function Samples({ run }: { run: RunDetail }) {
  const { query } = route.value
  const chosen = Object.fromEntries(FILTERS.map((name) => [name, query[name]]))
  const { order = 'desc', ...filters } = chosen
  const { items, page, first, isReading, more, renew } = usePages<Sample, SamplePage>(
    withQuery(runPath(run.id, 'samples'), { ...filters, order, limit: PAGE }),
    ({ samples }) => samples,
  )
  const total = first?.total ?? null
  const isFollowed = run.status === 'running' && query.follow !== 'no'
  useChange(isFollowed ? run.steps.done : -1, () => renew?.())
  const list = useRef<HTMLTableSectionElement>(null)
  useEffect(() => remember(items.map(({ id }) => id)), [items])
  const step = (by: 1 | -1) => () => {
    const links = [...(list.current?.querySelectorAll<HTMLElement>('th a') ?? [])]
    const at = (links as (Element | null)[]).indexOf(document.activeElement)
    links[Math.min(Math.max(at + by, 0), links.length - 1)]?.focus()
  }
  useKeys({
    '/': () => document.getElementById('filter-text')?.focus(),
    j: step(1),
    k: step(-1),
  })
  return (
    <>
      <Shortcuts run={run} />
      <Filters />
      <Read of={page} what="the samples">
        {() =>
          items.length === 0 && !isReading ? (
            <Nothing run={run} />
          ) : (
            <>
              <div class="toolbar">
                <p role="status">
                  {isReading
                    ? 'Reading the samples …'
                    : total === null
                      ? `${plural(items.length, 'sample')}${more ? ', and there may be more' : ''}`
                      : `${plural(total, 'sample')}, ${items.length} shown`}
                </p>
                {run.status === 'running' && (
                  <label class="inline">
                    <input
                      type="checkbox"
                      checked={isFollowed}
                      onChange={(event) => setQuery({ follow: event.currentTarget.checked ? null : 'no' })}
                    />{' '}
                    keep up with the run
                  </label>
                )}
                <button type="button" class="plain end" onClick={() => download('samples.csv', asCsv(items))}>
                  Save as CSV
                </button>
              </div>
              <table class="samples">
                <caption class="hidden">Samples</caption>
                <thead>
                  <tr>
                    <th scope="col">Question</th>
                    <th scope="col">Response</th>
                    <th scope="col">Answer</th>
                    <th scope="col" class="number">
                      Reward
                    </th>
                    <th scope="col" class="number">
                      Advantage
                    </th>
                    <th scope="col" class="number">
                      Tokens
                    </th>
                    <th scope="col" class="number">
                      Step
                    </th>
                  </tr>
                </thead>
                <tbody ref={list}>
                  {items.map((sample) => (
                    <Row key={sample.id} run={run.id} sample={sample} />
                  ))}
                </tbody>
              </table>
              {more && (
                <button type="button" onClick={more}>
                  Show {PAGE} more
                </button>
              )}
            </>
          )
        }
      </Read>
    </>
  )
}

function Row({ run, sample }: { run: string; sample: Sample }) {
  return (
    <tr>
      <th scope="row">
        <a href={link(['run', run, 'samples', sample.id])}>{visible(excerpt(askedIn(sample)))}</a>
        <span class="quiet"> {sample.kind}</span>
      </th>
      <td class="excerpt" data-label="Response">
        {visible(excerpt(sample.thinking ?? sample.text))}
      </td>
      <td data-label="Answer">
        <Verdict of={{ correct: sample.correct }} />
        {sample.answer !== null && <span class="given">{visible(excerpt(sample.answer))}</span>}
        {sample.stopReason === 'length' && <span class="quiet"> {stopped(sample)}</span>}
        {sample.correct !== true && sample.reason && (
          <span class="quiet why">{visible(excerpt(sample.reason))}</span>
        )}
      </td>
      <td data-label="Reward" class="number">
        {short(sample.total)}
      </td>
      <td data-label="Advantage" class="number">
        {signed(sample.advantage)}
      </td>
      <td data-label="Tokens" class="number">
        {sample.length}
      </td>
      <td data-label="Step" class="number">
        {sample.step}
      </td>
    </tr>
  )
}

/** Ways to what one usually looks for. */
function Shortcuts({ run }: { run: RunDetail }) {
  const to = (label: string, query: Readonly<Record<string, string | number>>) => (
    <a key={label} href={link(['run', run.id, 'samples'], query)}>
      {label}
    </a>
  )
  const last = { step: run.steps.done, split: 'train', sort: 'reward' }
  return (
    <nav class="shortcuts" aria-label="Often looked for">
      {to('Worst of the last step', { ...last, order: 'asc' })}
      {to('Best of the last step', last)}
      {to('Wrong', { correct: 'wrong' })}
      {to('Cut off', { stop: 'length' })}
      {to('Longest', { sort: 'length' })}
      {to('Before training', { split: 'eval-before' })}
      {to('After training', { split: 'eval-after' })}
    </nav>
  )
}

function Nothing({ run }: { run: RunDetail }) {
  const isFiltered = FILTERS.some((name) => route.value.query[name])
  if (isFiltered)
    return (
      <Empty title="No sample is like this">
        <button
          type="button"
          onClick={() => setQuery(Object.fromEntries(FILTERS.map((name) => [name, null])))}
        >
          Show all samples
        </button>
      </Empty>
    )
  return (
    <Empty title="This run has no samples">
      <p>
        Fine-tuning learns from given answers and samples nothing. This samples:{' '}
        <Command>{`npx ruminate eval --model ${run.id}`}</Command>
      </p>
    </Empty>
  )
}

const excerpt = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > EXCERPT ? `${line.slice(0, EXCERPT)} …` : line
}

const asCsv = (samples: readonly Sample[]): Blob =>
  csv(
    [
      'id',
      'step',
      'split',
      'question',
      'kind',
      'gold',
      'answer',
      'correct',
      'total',
      'advantage',
      'tokens',
      'ended',
      'text',
    ],
    samples.map((s) => [
      s.id,
      s.step,
      s.split,
      s.question,
      s.kind,
      s.gold,
      s.answer,
      s.correct,
      s.total,
      s.advantage,
      s.length,
      s.stopReason,
      s.text,
    ]),
  )

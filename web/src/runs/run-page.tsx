import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { Aha } from '../aha/aha.tsx'
import { runPath } from '../api/client.ts'
import { changed } from '../api/live.ts'
import type { RunDetail } from '../api/types.ts'
import { useResource } from '../api/use-resource.ts'
import { DataCards } from '../data/data-cards.tsx'
import { Learning } from '../learning/learning.tsx'
import { percent } from '../numbers.ts'
import { useKeys } from '../parts/keys.ts'
import { Empty, Read } from '../parts/notice.tsx'
import { State } from '../parts/state.tsx'
import { useChange } from '../parts/use-change.ts'
import { go, link } from '../router.ts'
import { QuestionPage } from '../samples/question-page.tsx'
import { SamplePage } from '../samples/sample-page.tsx'
import { Samples } from '../samples/samples.tsx'
import { visible } from '../text/readable.ts'
import { About } from './about.tsx'
import { RunActions } from './run-actions.tsx'
import { Progress, Tags } from './runs.tsx'

const TABS = [
  ['learning', 'Learning'],
  ['samples', 'Samples'],
  ['aha', 'Aha moment'],
  ['data', 'Data'],
  ['about', 'Settings'],
] as const

/** Milliseconds after which a run in progress is read again. */
const DETAIL_EVERY = 4000

/** One run, with a page for each way to look at it. */
export function RunPage({ id, path }: { id: string; path: readonly string[] }) {
  const resource = useResource<RunDetail>(runPath(id))
  const newer = changed.value.get(id)
  const status = newer?.status
  // Events, checkpoints and names of metrics are not part of what is sent by itself.
  // The run is read again when it changes its state and, while it or a stage of it goes on, every few seconds.
  useChange(status, resource.reload)
  const isRunning = (newer ?? resource.data)?.status === 'running'
  useEffect(() => {
    if (!isRunning) return
    const timer = setInterval(resource.reload, DETAIL_EVERY)
    return () => clearInterval(timer)
  }, [isRunning])
  useKeys({
    l: () => go(link(['run', id, 'learning'])),
    s: () => go(link(['run', id, 'samples'])),
    a: () => go(link(['run', id, 'aha'])),
    d: () => go(link(['run', id, 'data'])),
  })
  const [tab = 'learning'] = path
  return (
    <Read of={resource} what={`the run ${id}`}>
      {(read) => {
        const run: RunDetail = newer ? { ...read, ...newer } : read
        return (
          <>
            {newer === null && (
              <Empty title="This run has been deleted">
                <p>What is shown below was read before.</p>
              </Empty>
            )}
            <Head run={run} reload={resource.reload} />
            <nav class="tabs" aria-label={`Pages of ${id}`}>
              {TABS.map(([name, label]) => (
                <a key={name} href={link(['run', id, name])} aria-current={tab === name ? 'page' : undefined}>
                  {label}
                </a>
              ))}
            </nav>
            {page(run, tab, path.slice(1))}
          </>
        )
      }}
    </Read>
  )
}

function page(run: RunDetail, tab: string, rest: readonly string[]): ComponentChildren {
  const [part] = rest
  if (tab === 'learning') return <Learning run={run} />
  if (tab === 'samples' && part !== undefined) return <SamplePage run={run} id={part} />
  if (tab === 'samples') return <Samples run={run} />
  if (tab === 'question' && part !== undefined) return <QuestionPage run={run} question={part} />
  if (tab === 'aha') return <Aha run={run} />
  if (tab === 'data') return <DataCards run={run} />
  if (tab === 'about') return <About run={run} />
  return <Empty title="There is no such page of this run" />
}

function Head({ run, reload }: { run: RunDetail; reload: () => void }) {
  return (
    <div class="head">
      <div>
        <h1>
          {run.parent && (
            <>
              <a href={link(['run', run.parent])}>{run.parent}</a> /{' '}
            </>
          )}
          {run.parent ? run.id.split('/').at(-1) : run.id}
        </h1>
        <p class="facts">
          <State status={run.status} /> <span>{run.recipe}</span> <Progress run={run} />
          {run.accuracy && <span>{percent(run.accuracy.value)} right</span>}
          <Tags of={run} />
        </p>
        {run.note && <p class="quiet">{visible(run.note)}</p>}
        {run.problem && <p class="problem">{run.problem}</p>}
      </div>
      <RunActions run={run} onChange={reload} />
    </div>
  )
}

import { useEffect, useState } from 'preact/hooks'
import { Chat } from './chat/chat.tsx'
import { EvaluationPage } from './evaluations/evaluation-page.tsx'
import { Evaluations } from './evaluations/evaluations.tsx'
import { Connection } from './parts/connection.tsx'
import { Help } from './parts/help.tsx'
import { useKeys } from './parts/keys.ts'
import { Empty } from './parts/notice.tsx'
import { go, link, route } from './router.ts'
import { RunPage } from './runs/run-page.tsx'
import { Runs } from './runs/runs.tsx'
import { StartRun } from './runs/start-run.tsx'

/** The whole page: what is on every page, and the page of the address. */
export function App() {
  const [isHelpOpen, setIsHelpOpen] = useState(false)
  const { path } = route.value
  useKeys({
    r: () => go(link(['runs'])),
    e: () => go(link(['evals'])),
    c: () => go(link(['chat'])),
    '?': () => setIsHelpOpen(true),
  })
  const address = path.join('/')
  useEffect(() => {
    scrollTo(0, 0)
    document.title = `${path.slice(path[0] === 'run' ? 1 : 0).join(' · ') || 'runs'} – Ruminate`
  }, [address])
  const current = (name: string) => ((path[0] ?? 'runs') === name ? 'page' : undefined)
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('content')?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <a class="home" href={link(['runs'])}>
          Ruminate
        </a>
        <nav aria-label="Pages">
          <a href={link(['runs'])} aria-current={current('runs')}>
            Runs
          </a>
          <a href={link(['evals'])} aria-current={current('evals')}>
            Test-time compute
          </a>
          <a href={link(['chat'])} aria-current={current('chat')}>
            Chat
          </a>
        </nav>
        <button type="button" class="plain" onClick={() => setIsHelpOpen(true)}>
          Keys <kbd>?</kbd>
        </button>
      </header>
      <Connection />
      <main id="content" tabIndex={-1}>
        <Page path={path} />
      </main>
      <Help open={isHelpOpen} onClose={() => setIsHelpOpen(false)} />
    </>
  )
}

function Page({ path }: { path: readonly string[] }) {
  const [page = 'runs', id, ...rest] = path
  if (page === 'runs') return <Runs />
  if (page === 'start') return <StartRun />
  if (page === 'evals') return <Evaluations />
  if (page === 'eval' && id !== undefined) return <EvaluationPage key={id} id={id} />
  if (page === 'chat') return <Chat />
  if (page === 'run' && id !== undefined) return <RunPage key={id} id={id} path={rest} />
  return (
    <Empty title="There is no such page">
      <p>
        <a href={link(['runs'])}>All runs</a>
      </p>
    </Empty>
  )
}

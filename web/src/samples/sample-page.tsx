import { runPath } from '../api/client.ts'
import type { RunDetail, SampleDetail } from '../api/types.ts'
import { useResource } from '../api/use-resource.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { useKeys } from '../parts/keys.ts'
import { Read } from '../parts/notice.tsx'
import { go, link, route, setQuery } from '../router.ts'
import { visible } from '../text/readable.ts'
import { Group } from './group.tsx'
import { neighbour } from './listed.ts'
import { Response } from './response.tsx'
import { Rewards } from './rewards.tsx'
import { COLOURINGS, type Colouring, Tokens } from './tokens.tsx'
import { askedIn, splitName, stopped, Verdict } from './verdict.tsx'

/** One response: what was asked, what was thought and answered, and what it was worth. */
export function SamplePage({ run, id }: { run: RunDetail; id: string }) {
  const resource = useResource<SampleDetail>(runPath(run.id, 'samples', id))
  return (
    <Read of={resource} what={`sample ${id}`}>
      {(sample) => <Shown run={run.id} id={Number(id)} sample={sample} />}
    </Read>
  )
}

/**
 * `id` is that of the address. While the sample there is read, the former one is shown; if samples were listed, the keys already
 * lead on from `id`.
 */
function Shown({ run, id, sample }: { run: string; id: number; sample: SampleDetail }) {
  const { tokens: colouring, view } = route.value.query
  const at = (other: number) => link(['run', run, 'samples', other], { view, tokens: colouring })
  const question = link(['run', run, 'question', sample.question])
  const [previous, next] = [neighbour(run, id, sample, -1), neighbour(run, id, sample, 1)]
  const toggleGroup = () => setQuery({ view: view === 'group' ? null : 'group' })
  const colourings = COLOURINGS.filter(([name]) => sample.tokens?.some((token) => token[name] !== null))
  const names = colourings.map(([name]) => name)
  useKeys({
    j: () => next !== null && go(at(next)),
    k: () => previous !== null && go(at(previous)),
    g: toggleGroup,
    q: () => go(question),
    // none → log-prob → entropy → advantage → none
    t: () => setQuery({ tokens: names[names.indexOf(colouring as Colouring) + 1] ?? null }),
  })
  return (
    <>
      <div class="toolbar">
        {previous !== null && (
          <a href={at(previous)}>
            ← Previous <kbd>k</kbd>
          </a>
        )}
        {next !== null && (
          <a href={at(next)}>
            Next <kbd>j</kbd> →
          </a>
        )}
        <a href={question}>
          The same question over time <kbd>q</kbd>
        </a>
        <button type="button" aria-pressed={view === 'group'} onClick={toggleGroup}>
          Whole group <kbd>g</kbd>
        </button>
        <label>
          Colour tokens by{' '}
          <select
            value={colouring ?? ''}
            onChange={(event) => setQuery({ tokens: event.currentTarget.value })}
          >
            <option value="">nothing</option>
            {colourings.map(([name, label]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <a href={link(['chat'], { model: run, ask: askedIn(sample) })}>Ask it again</a>
        <CopyButton label="Copy as JSON" text={() => JSON.stringify(sample, null, 2)} />
      </div>
      <h2 class="question">{visible(askedIn(sample))}</h2>
      <p class="facts">
        <Verdict of={sample} />
        <span>
          expected <b>{visible(sample.gold)}</b>
        </span>
        <span>step {sample.step}</span>
        <span>{splitName(sample.split)}</span>
        <span>{sample.kind}</span>
        <span>
          {sample.length} tokens, {stopped(sample)}
        </span>
      </p>
      <div class="columns">
        <div>
          <Response sample={sample} />
          {colouring && sample.tokens && <Tokens tokens={sample.tokens} by={colouring as Colouring} />}
          {colouring && !sample.tokens && (
            <p class="quiet">{sample.tokensProblem ?? 'The tokens of this response are not known.'}</p>
          )}
        </div>
        <div>
          <Rewards sample={sample} />
          <details>
            <summary>The prompt, as the model saw it</summary>
            <div class="prose">{visible(sample.prompt)}</div>
          </details>
          <details>
            <summary>The whole response, as it was written</summary>
            <div class="prose">{visible(sample.text)}</div>
          </details>
        </div>
      </div>
      {view === 'group' && <Group run={run} samples={sample.group} current={sample.id} />}
    </>
  )
}

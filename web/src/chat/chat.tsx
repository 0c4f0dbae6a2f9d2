import type { Signal } from '@preact/signals'
import { useRef, useState } from 'preact/hooks'
import { runPath } from '../api/client.ts'
import type { ChatModel } from '../api/types.ts'
import { useResource } from '../api/use-resource.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { route, setQuery } from '../router.ts'
import { useRuns } from '../runs/use-runs.ts'
import { visible } from '../text/readable.ts'
import { ModelChoice, runOf } from './model-choice.tsx'
import { NO_OPTIONS, type Options, OptionsForm } from './options.tsx'
import { isUnderWay, type Reply, startReply } from './reply.ts'
import { ReplyView } from './reply-view.tsx'
import type { Asked, Message } from './stream.ts'
import { Suggestions } from './suggestions.tsx'

/** A question, with the response of each model. */
interface Turn {
  readonly question: string
  readonly replies: readonly Signal<Reply>[]
}

/** A conversation with one model, or with two side by side. */
export function Chat() {
  const runs = useRuns()
  const { query } = route.value
  const trained = query.model ?? runs.data?.find(({ status }) => status === 'done')?.id ?? ''
  const run = runs.data?.find(({ id }) => id === runOf(trained))
  const known = useResource<{ models: readonly ChatModel[] }>(run ? runPath(run.id, 'models') : null)
  const base = known.data?.models.find(({ kind }) => kind === 'base')?.name ?? ''
  const other = query.beside ?? base
  const isAlone = query.alone === '1' || other === ''
  const models = isAlone ? [trained] : [other, trained]

  const [turns, setTurns] = useState<readonly Turn[]>([])
  /** The conversations that were left by editing, oldest first. */
  const [branches, setBranches] = useState<readonly (readonly Turn[])[]>([])
  const [options, setOptions] = useState<Options>(NO_OPTIONS)
  const [typed, setTyped] = useState(query.ask ?? '')
  const [editing, setEditing] = useState<number | null>(null)
  const stops = useRef<(() => void)[]>([])
  /** Until the run's models are known, it is not known which one is the base. */
  const isReady = runs.data !== null && (run === undefined || known.data !== null || known.error !== null)
  const isBusy = turns.at(-1)?.replies.some(({ value }) => isUnderWay(value)) ?? false

  /** Asks `question` after the first `count` turns. If turns follow there, they are kept as a branch. */
  const send = (question: string, count: number) => {
    const before = turns.slice(0, count)
    if (count < turns.length) setBranches([...branches, turns])
    const started = models.map((model, i) =>
      startReply({
        ...asked(options, branches.length + (count < turns.length ? 1 : 0)),
        model,
        // R1-Zero's template, in which the models of its runs are asked, has no place for earlier turns.
        messages: history((options.memory ?? run?.recipe !== 'zero') ? before : [], i, question),
      }),
    )
    stops.current = started.map(({ stop }) => stop)
    setTurns([...before, { question, replies: started.map(({ reply }) => reply) }])
    setTyped('')
    setEditing(null)
  }
  const submit = (event: Event) => {
    event.preventDefault()
    if (typed.trim() && trained && isReady && !isBusy) send(typed, editing ?? turns.length)
  }
  const stop = () => {
    for (const end of stops.current) end()
  }
  const switchTo = (i: number) => {
    setBranches(branches.map((branch, at) => (at === i ? turns : branch)))
    setTurns(branches[i]!)
  }

  return (
    <div class="chat">
      <h1>Chat</h1>
      <div class="toolbar">
        <ModelChoice
          label="Model"
          value={trained}
          models={known.data?.models ?? []}
          runs={runs.data ?? []}
          onChange={(model) => setQuery({ model, beside: null })}
        />
        <label class="inline">
          <input
            type="checkbox"
            checked={!isAlone}
            onChange={(event) => setQuery({ alone: event.currentTarget.checked ? null : '1' })}
          />{' '}
          beside another
        </label>
        {query.alone !== '1' && (
          <ModelChoice
            label="Beside"
            value={other}
            models={known.data?.models ?? []}
            runs={runs.data ?? []}
            onChange={(beside) => setQuery({ beside })}
          />
        )}
        {branches.length > 0 && (
          <label>
            Branch{' '}
            <select
              value=""
              onChange={(event) => event.currentTarget.value && switchTo(Number(event.currentTarget.value))}
            >
              <option value="">this one, of {branches.length + 1}</option>
              {branches.map((branch, i) => (
                <option key={i} value={i}>
                  {i + 1}: {branch.at(-1)?.question.slice(0, 40)}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      <OptionsForm
        options={options}
        rewardRuns={(runs.data ?? []).filter(({ recipe }) => recipe === 'reward').map(({ id }) => id)}
        onChange={setOptions}
      />
      {turns.length === 0 && run && isReady && (
        <Suggestions run={run.id} onChoose={(question) => send(question, 0)} />
      )}
      <ol class="turns">
        {turns.map((turn, i) => (
          <li key={i}>
            <div class="asked">
              <p>{visible(turn.question)}</p>
              <div class="toolbar small">
                <button
                  type="button"
                  class="plain"
                  disabled={isBusy}
                  onClick={() => {
                    setTyped(turn.question)
                    setEditing(i)
                    document.getElementById('question')?.focus()
                  }}
                >
                  Edit
                </button>
                <button type="button" class="plain" disabled={isBusy} onClick={() => send(turn.question, i)}>
                  Ask again
                </button>
              </div>
            </div>
            <div class={`columns even replies-${turn.replies.length}`}>
              {turn.replies.map((reply, model) => (
                <ReplyView key={model} of={reply} />
              ))}
            </div>
          </li>
        ))}
      </ol>
      <form class="ask" onSubmit={submit}>
        <label for="question">
          {editing === null
            ? 'Your question'
            : `Your question ${editing + 1}, edited: the conversation branches there`}
        </label>
        <textarea
          id="question"
          rows={3}
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) =>
            event.key === 'Enter' && !event.shiftKey && !event.isComposing && submit(event)
          }
        />
        <div class="toolbar">
          {isBusy ? (
            <button type="button" onClick={stop}>
              Stop
            </button>
          ) : (
            <button type="submit" disabled={!typed.trim() || !trained || !isReady}>
              Send
            </button>
          )}
          <span class="quiet">
            {isReady ? 'Enter sends, Shift+Enter begins a line.' : 'Reading which models there are …'}
          </span>
          {turns.length > 0 && !isBusy && (
            <span class="end">
              <CopyButton label="Copy the conversation as JSON" text={() => asJson(turns)} />
            </span>
          )}
        </div>
      </form>
    </div>
  )
}

/** The request's options. The seed rises with each branch, so that a question asked again is answered anew. */
const asked = (
  { temperature, seed, budget, strategy, samples, reward }: Options,
  branch: number,
): Omit<Asked, 'model' | 'messages'> => ({
  seed: seed + branch,
  strategy: strategy === 'none' ? null : { kind: strategy, samples, reward },
  ...(temperature !== null && { temperature }),
  ...(budget !== null && { thinking_token_budget: budget }),
})

/** What the model at a place has been told and has said, and the new question. */
function history(turns: readonly Turn[], place: number, question: string): Message[] {
  const before = turns.flatMap((turn): Message[] => {
    const reply = (turn.replies[place] ?? turn.replies[0])?.value
    return [
      { role: 'user', content: turn.question },
      ...(reply
        ? [{ role: 'assistant' as const, content: reply.answer, reasoning_content: reply.thinking }]
        : []),
    ]
  })
  return [...before, { role: 'user', content: question }]
}

const asJson = (turns: readonly Turn[]): string =>
  JSON.stringify(
    turns.map(({ question, replies }) => ({ question, replies: replies.map(({ value }) => value) })),
    null,
    2,
  )

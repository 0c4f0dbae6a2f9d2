import { useEffect, useRef, useState } from 'preact/hooks'
import { withQuery } from '../api/client.ts'
import type { EvaluationCell, KeptAnswer } from '../api/types.ts'
import { useResource } from '../api/use-resource.ts'
import { percent, plural, UNKNOWN } from '../numbers.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { Empty, Read } from '../parts/notice.tsx'
import { route, setQuery } from '../router.ts'
import { Response } from '../samples/response.tsx'
import { stopped, Verdict } from '../samples/verdict.tsx'
import { visible } from '../text/readable.ts'

interface AnswersPage {
  readonly answers: readonly KeptAnswer[]
  readonly isWhole: boolean
}

interface Props {
  readonly id: string
  /** The place of the cell in the evaluation. */
  readonly number: number
  readonly cell: EvaluationCell
  readonly name: string
}

/** The questions that a model was asked in one way, the worst answered first, each with its answers. */
export function Answers({ id, number, cell, name }: Props) {
  const { kind, measure, show } = route.value.query
  const heading = useRef<HTMLHeadingElement>(null)
  // What was clicked is far above.
  useEffect(() => heading.current?.scrollIntoView(), [number, kind, measure])
  const kinds = [...new Set(cell.values.map((value) => value.kind))]
  const questions = cell.values
    .filter((value) => kind === undefined || !kinds.includes(kind) || value.kind === kind)
    .filter(({ passAt1 }) => show !== 'wrong' || (passAt1 ?? 0) < 1)
    .toSorted((a, b) => (a.passAt1 ?? 0) - (b.passAt1 ?? 0))
  return (
    <section class="answers">
      <h2 ref={heading}>The answers behind {measure ?? 'it'}</h2>
      <p class="quiet">{name}</p>
      <div class="toolbar">
        <label>
          Kind of question{' '}
          <select value={kind ?? ''} onChange={(event) => setQuery({ kind: event.currentTarget.value })}>
            <option value="">all</option>
            {kinds.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
        <label class="inline">
          <input
            type="checkbox"
            checked={show === 'wrong'}
            onChange={(event) => setQuery({ show: event.currentTarget.checked ? 'wrong' : null })}
          />{' '}
          only with a wrong answer
        </label>
        <span class="quiet">{plural(questions.length, 'question')}, the worst answered first</span>
      </div>
      {questions.length === 0 && <Empty title="No question is like this" />}
      <ol class="rows">
        {questions.map(({ key, id: question, kind: of, passAt1 }) => (
          <li key={key} class="card">
            <Question
              path={withQuery(`evals/${encodeURIComponent(id)}/answers`, { cell: number, question: key })}
              title={`${percent(passAt1)} right: ${of}, ${question}`}
            />
          </li>
        ))}
      </ol>
    </section>
  )
}

/** A question, whose answers are read when it is opened. */
function Question({ path, title }: { path: string; title: string }) {
  const [isOpen, setIsOpen] = useState(false)
  const resource = useResource<AnswersPage>(isOpen ? path : null)
  return (
    <details onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {isOpen && (
        <Read of={resource} what="the answers">
          {({ answers, isWhole }) => (
            <>
              {answers[0] && (
                <>
                  <p class="question">{visible(answers[0].question.prompt)}</p>
                  <p class="facts">
                    <span>
                      expected <b>{visible(answers[0].question.gold)}</b>
                    </span>
                    <CopyButton label="Copy as JSON" text={() => JSON.stringify(answers, null, 2)} />
                  </p>
                </>
              )}
              {!isWhole && <p class="quiet">These are the first of them.</p>}
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard */}
              <section class="side-by-side" tabIndex={0} aria-label="Answers side by side">
                {answers.map((answer) => (
                  <Answer key={`${answer.seed} ${answer.sample}`} answer={answer} />
                ))}
              </section>
            </>
          )}
        </Read>
      )}
    </details>
  )
}

function Answer({ answer }: { answer: KeptAnswer }) {
  const { sample, seed, thinking, text, verdict, thinkingTokens, completionTokens } = answer
  return (
    <article>
      <h3>
        Answer {sample + 1} <span class="quiet">(seed {seed})</span>
      </h3>
      <p class="facts">
        <Verdict of={{ correct: answer.correct, reason: verdict }} />
        <span>
          {completionTokens ?? UNKNOWN} tokens, {thinkingTokens ?? UNKNOWN} of them thinking,{' '}
          {stopped(answer)}
        </span>
      </p>
      <Response sample={{ thinking, answer: text, text }} />
    </article>
  )
}

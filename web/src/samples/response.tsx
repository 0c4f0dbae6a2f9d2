import type { Sample } from '../api/types.ts'
import { Prose } from '../text/prose.tsx'

/** What a model wrote: its thinking and its answer apart; or all of it, where neither was found. */
export function Response({ sample }: { sample: Pick<Sample, 'thinking' | 'answer' | 'text'> }) {
  if (sample.thinking === null && sample.answer === null)
    return (
      <section class="answer">
        <h3>Response, without thinking or an answer in their form</h3>
        <Prose text={sample.text} />
      </section>
    )
  return (
    <>
      {sample.thinking !== null && (
        <section class="thinking">
          <h3>Thinking</h3>
          <Prose text={sample.thinking} />
        </section>
      )}
      <section class="answer">
        <h3>Answer</h3>
        {sample.answer === null ? <p class="quiet">There is no answer.</p> : <Prose text={sample.answer} />}
      </section>
    </>
  )
}

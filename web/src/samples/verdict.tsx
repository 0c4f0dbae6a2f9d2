import type { Sample } from '../api/types.ts'
import { visible } from '../text/readable.ts'

const WORDS = { right: 'right', wrong: 'wrong', unknown: 'not checked' } as const

export const verdictOf = ({ correct }: Pick<Sample, 'correct'>): keyof typeof WORDS =>
  correct === null ? 'unknown' : correct ? 'right' : 'wrong'

/** Is the answer right, and why? A word, with a mark that does not depend on colour. */
export const Verdict = ({ of }: { of: Pick<Sample, 'correct' | 'reason'> }) => {
  const verdict = verdictOf(of)
  return (
    <span>
      <span class={`verdict ${verdict}`}>
        <span aria-hidden="true">{{ right: '✓', wrong: '✗', unknown: '?' }[verdict]}</span> {WORDS[verdict]}
      </span>
      {of.reason && verdict !== 'right' && <span class="quiet">: {visible(of.reason)}</span>}
    </span>
  )
}

/** The question to read. */
export const askedIn = ({ asked, question }: Pick<Sample, 'asked' | 'question'>): string => asked ?? question

const STOPS: Readonly<Record<string, string>> = { stop: 'ended by itself', length: 'cut off' }

/** Why a response ended. */
export const stopped = ({ stopReason }: Pick<Sample, 'stopReason'>): string => STOPS[stopReason] ?? stopReason

const SPLITS: Readonly<Record<string, string>> = {
  train: 'training',
  'eval-before': 'held out, before training',
  'eval-after': 'held out, after training',
  eval: 'held out, during training',
}

/** Which part of the run a response belongs to. */
export function splitName(split: string): string {
  const [, step] = /^eval-(\d+)$/.exec(split) ?? []
  return step ? `held out, at step ${step}` : (SPLITS[split] ?? split)
}

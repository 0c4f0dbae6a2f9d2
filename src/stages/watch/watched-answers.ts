import type { RolloutRow } from '../../runs/rows.ts'
import { opensThinking } from '../../thinking/parser/opened.ts'
import { splitThinking } from '../../thinking/parser/split.ts'

/** The parts of a rollout that the alarm reads. All of them are in the run store, so a resumed run reads the same. */
export type WatchedRow = Pick<RolloutRow, 'question' | 'prompt' | 'text' | 'correct' | 'rewards'>

/** The answer in a response that a learned reward applied to. */
export interface WatchedAnswer {
  readonly question: string
  /** The text after the thinking. */
  readonly text: string
  readonly correct: boolean | null
  /** Sum of the known learned rewards. */
  readonly reward: number
}

/** The answers in the responses that a learned reward applied to. A response whose thinking did not end has none. */
export function watchedAnswers(rows: readonly WatchedRow[], learned: readonly string[]): WatchedAnswer[] {
  return rows.flatMap(({ question, prompt, text, correct, rewards }): WatchedAnswer[] => {
    const applied = learned.filter((name) => Object.hasOwn(rewards, name))
    const { answer } = splitThinking(text, { opened: opensThinking(prompt) })
    if (applied.length === 0 || answer === null) return []
    const reward = applied.reduce((sum, name) => sum + (rewards[name] ?? 0), 0)
    return [{ question, text: answer.replace(/<\/?\w+>/g, ' ').trim(), correct, reward }]
  })
}

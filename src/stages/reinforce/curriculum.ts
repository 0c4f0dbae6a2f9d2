import { Random } from '../../common/random.ts'
import { plural } from '../../common/words.ts'
import type { RunStore } from '../../runs/store.ts'
import type { Question, Task } from '../../tasks/task.ts'

/**
 * Which questions are not drawn for a while, since nothing can be learned from them: those that were always answered right, or
 * never, in each of their last draws. A draw is a step in which a question is asked.
 */
export interface Curriculum {
  /** A draw counts as solved if at least this share of the responses was right; null: none does. */
  readonly solved: number | null
  /** A draw counts as unsolvable if at most this share of the responses was right; null: none does. */
  readonly unsolvable: number | null
  /** Draws in a row, all solved or all unsolvable, after which a question is dropped. */
  readonly draws: number
  /** Steps after which a dropped question may be drawn again; null: it is dropped for good. */
  readonly rest: number | null
}

/** ScaleRL's no-positive-resampling (Khatri et al., arXiv 2510.13786, §3.2). */
export const NO_POSITIVE_RESAMPLING: Curriculum = { solved: 0.9, unsolvable: null, draws: 1, rest: null }

/** The share of right responses to a question in a step. */
interface Draw {
  readonly step: number
  readonly question: string
  readonly share: number
}

/** A response to a question; `correct` is null if it could not be checked. */
interface Checked {
  readonly rollout: { readonly question: Pick<Question, 'id'> }
  readonly correct: boolean | null
}

/** A task whose questions are drawn by a curriculum. */
export interface CurriculumTask {
  readonly task: Task
  /** Adds the responses of a step. Returns metrics of the questions, and warnings. */
  record(
    step: number,
    checked: readonly Checked[],
  ): Readonly<{ metrics: Record<string, number>; warnings: string[] }>
}

/**
 * A task without the questions that the curriculum has dropped, which are replaced by others. If too few others are left,
 * those that were dropped longest ago are asked again. What is dropped depends only on the rollouts in the run's store, so a
 * resumed run draws the same questions.
 */
export function curriculumTask(
  task: Task,
  curriculum: Curriculum | null,
  store: Pick<RunStore, 'shares'>,
): CurriculumTask {
  if (curriculum === null) return { task, record: () => ({ metrics: {}, warnings: [] }) }
  const history = new History(curriculum, store.shares('train'))
  /** Dropped questions asked again since the last record. */
  let recalled = 0
  return {
    task: {
      ...task,
      check: (question, answer) => task.check(question, answer),
      training(options) {
        const { questions, again } = draw(task, history, options)
        recalled += again
        return questions
      },
    },
    record(step, checked) {
      history.add(sharesOf(step, checked))
      const metrics = { 'questions/dropped': history.dropped(), 'questions/recalled': recalled }
      const warnings =
        recalled === 0
          ? []
          : [
              `the curriculum has dropped ${plural(metrics['questions/dropped'], 'question')}, which leaves too few for a step, so dropped ones are asked again (${recalled} in this step): add questions, or set a lower rl.curriculum.rest`,
            ]
      recalled = 0
      return { metrics, warnings }
    },
  }
}

/** How often more questions are drawn to replace dropped ones; each time twice as many. */
const DRAWS = 8

/** Questions of a step that are not dropped; `again`: how many of them are, since too few others were found. */
function draw(
  task: Task,
  history: History,
  { seed, step, count }: Parameters<Task['training']>[0],
): { questions: Question[]; again: number } {
  const drawn = task.training({ seed, step, count })
  const found = drawn.filter(({ id }) => !history.isDropped(id))
  const asked = new Set(found.map(({ id }) => id))
  for (let k = 0; k < DRAWS && found.length < drawn.length; k++) {
    const other = new Random(seed, 'curriculum', k).bits()
    for (const question of task.training({ seed: other, step, count: count * 2 ** k })) {
      if (found.length === drawn.length) break
      if (asked.has(question.id) || history.isDropped(question.id)) continue
      asked.add(question.id)
      found.push(question)
    }
  }
  const again = drawn
    .filter(({ id }) => history.isDropped(id))
    .sort((a, b) => history.lastAsked(a.id) - history.lastAsked(b.id))
    .slice(0, drawn.length - found.length)
  return { questions: [...found, ...again], again: again.length }
}

/** The last draws of each question. */
class History {
  readonly #curriculum: Curriculum
  readonly #draws = new Map<string, Draw[]>()
  /** The last step that was recorded. */
  #step = 0

  constructor(curriculum: Curriculum, draws: readonly Draw[]) {
    this.#curriculum = curriculum
    this.add(draws)
  }

  add(draws: readonly Draw[]): void {
    for (const one of draws) {
      const earlier = this.#draws.get(one.question) ?? []
      this.#draws.set(one.question, [...earlier, one].slice(-this.#curriculum.draws))
      this.#step = Math.max(this.#step, one.step)
    }
  }

  /** Is the question not to be drawn in the step after the last that was recorded? */
  isDropped(id: string): boolean {
    const { solved, unsolvable, draws, rest } = this.#curriculum
    const last = this.#draws.get(id) ?? []
    if (last.length < draws) return false
    if (rest !== null && this.#step >= last.at(-1)!.step + rest) return false
    return (
      (solved !== null && last.every(({ share }) => share >= solved)) ||
      (unsolvable !== null && last.every(({ share }) => share <= unsolvable))
    )
  }

  /** The step in which the question was asked last; 0 if it was not. */
  lastAsked(id: string): number {
    return this.#draws.get(id)?.at(-1)?.step ?? 0
  }

  /** How many questions are dropped. */
  dropped(): number {
    return [...this.#draws.keys()].filter((id) => this.isDropped(id)).length
  }
}

/** The share of right responses to each question, of those that could be checked. */
function sharesOf(step: number, checked: readonly Checked[]): Draw[] {
  const counts = new Map<string, { right: number; all: number }>()
  for (const { rollout, correct } of checked) {
    if (correct === null) continue
    const { id } = rollout.question
    const { right, all } = counts.get(id) ?? { right: 0, all: 0 }
    counts.set(id, { right: right + Number(correct), all: all + 1 })
  }
  return [...counts].map(([question, { right, all }]) => ({ step, question, share: right / all }))
}

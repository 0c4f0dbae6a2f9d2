import { UserError } from '../common/errors.ts'
import { Random } from '../common/random.ts'
import { plural } from '../common/words.ts'
import type { Fit, LeftOut, Question, Task } from './task.ts'

interface FitOptions {
  /** How many training questions are drawn at once; 0 if only held-out questions are asked. */
  readonly training: number
  readonly warn: (message: string) => void
  readonly progress: (line: string) => void
}

const ADVICE =
  'Use other questions, lower the longest response (rl.maxTokens, --max-tokens), or use another model'

/**
 * The task without the questions that a model cannot be asked. The questions of a table are checked here; those of a task
 * that makes its questions are checked when they are drawn, and replaced. Where all questions fit, the same ones are drawn
 * as without this.
 *
 * @throws UserError if no held-out question is left, or so few training questions that most of those that are drawn at once
 * would be the same.
 */
export function fittingTask(task: Task, fit: Fit, { training, warn, progress }: FitOptions): Task {
  const sides = training > 0 ? (['training', 'held-out'] as const) : (['held-out'] as const)
  const selected = task.select?.(fit, { sides, progress })
  for (const { side, of, count, remaining, first } of selected?.left ?? []) {
    if (count === 0) continue
    const left = `${task.name}: ${count} of ${plural(of, `${side} question`)} cannot be asked. The first is ${first}`
    const needed = side === 'training' ? Math.ceil(Math.min(of, training) / 2) : 1
    if (remaining < needed)
      throw new UserError(
        `${left}. ${remaining === 0 ? 'None is left' : `Only ${remaining} of them can be, and ${training} are drawn at once`}. ${ADVICE}${side === 'held-out' ? ', or hold out more questions (eval.share, --held-out-share)' : ''}`,
      )
    warn(`${left}. ${count === 1 ? 'It is' : 'They are'} left out`)
  }
  return checkedWhenDrawn(selected?.task ?? task, fit, warn)
}

/** How often questions are drawn again to replace those that do not fit. */
const DRAWS = 20

/** The task with each question checked when it is drawn. Warns once for each side. */
function checkedWhenDrawn(task: Task, { unfit }: Fit, warn: (message: string) => void): Task {
  /** The first question of each side that does not fit, with the reason. */
  const first = new Map<LeftOut['side'], string>()
  const warned = new Set<LeftOut['side']>()
  const fitting = (questions: readonly Question[], side: LeftOut['side']): Question[] =>
    questions.filter((question) => {
      const reason = unfit(question)
      if (reason !== null && !first.has(side)) first.set(side, `${question.id}: ${reason}`)
      return reason === null
    })
  /** Warns if questions do not fit. @throws UserError if none of those that were drawn fits. */
  const checkFound = (
    found: readonly Question[],
    drawn: readonly Question[],
    side: LeftOut['side'],
  ): void => {
    if (drawn.length === 0 || !first.has(side)) return
    if (found.length === 0)
      throw new UserError(
        `${task.name}: none of the ${side} questions can be asked, such as ${first.get(side)}. ${ADVICE}`,
      )
    if (warned.has(side)) return
    warned.add(side)
    warn(`${task.name}: a ${side} question cannot be asked and is replaced: ${first.get(side)}`)
  }
  const { workedExample, demonstrations, solved } = task
  return {
    name: task.name,
    description: task.description,
    language: task.language,
    training: ({ seed, step, count }) => {
      const drawn = task.training({ seed, step, count })
      const found = fitting(drawn, 'training')
      for (let draw = 1; draw <= DRAWS && found.length < drawn.length; draw++) {
        const other = new Random(seed, 'replacement', draw).bits()
        const more = fitting(task.training({ seed: other, step, count }), 'training')
        found.push(...more.slice(0, drawn.length - found.length))
      }
      checkFound(found, drawn, 'training')
      return found
    },
    heldOut: ({ count, seed }) => {
      const asked = (n: number) => task.heldOut(seed === undefined ? { count: n } : { count: n, seed })
      let n = count
      let drawn = asked(n)
      let found = fitting(drawn, 'held-out')
      for (let draw = 1; draw <= DRAWS && found.length < count && drawn.length >= n; draw++) {
        n += 2 * (count - found.length)
        drawn = asked(n)
        found = fitting(drawn, 'held-out')
      }
      checkFound(found, drawn, 'held-out')
      return found.slice(0, count)
    },
    check: (question, answer) => task.check(question, answer),
    ...(workedExample && { workedExample: (options) => workedExample.call(task, options) }),
    ...(demonstrations && { demonstrations: (options) => demonstrations.call(task, options) }),
    ...(solved && { solved: (options) => solved.call(task, options) }),
  }
}

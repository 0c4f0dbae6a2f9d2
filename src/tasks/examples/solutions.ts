import { UserError } from '../../common/errors.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import { isBlank } from '../../thinking/r1/blank.ts'
import { parseResponse } from '../../thinking/r1/parse.ts'
import { parseSummary } from '../../thinking/r1/summary.ts'
import { boxedAnswer } from '../../verify/boxes.ts'
import type { LeftOut, Solved, Task } from '../task.ts'
import type { Demonstration, DemonstrationRow, Demonstrations } from './demonstrations.ts'
import { LeftOutRows } from './left-out.ts'

interface SolutionOptions {
  /** Its template is the one in which the questions are asked later. */
  readonly renderer: Renderer
  readonly seed: number
  /** Number of training questions; null: all of a table, or as many as the task makes. */
  readonly count: number | null
  readonly warn: (message: string) => void
}

/**
 * The questions of a task with their gold answers as demonstrations, in the template in which reinforcement learning asks
 * them: exactly what its rewards for accuracy and format accept. The task's held-out questions are the held-out side. A
 * question whose demonstration would not be accepted is left out, with a warning.
 *
 * @throws UserError if the task has no gold answers, or no usable question on one of the sides.
 */
export async function readSolutions(
  task: Task,
  { renderer, seed, count, warn }: SolutionOptions,
): Promise<Demonstrations> {
  if (!task.solved)
    throw new UserError(
      `${task.name} has no gold answers to learn from: give demonstrations with --data instead of --task`,
      2,
    )
  const leftOut = new LeftOutRows()
  const read = async (side: LeftOut['side']): Promise<DemonstrationRow[]> => {
    const limit = side === 'training' ? (count ?? undefined) : undefined
    const rows: DemonstrationRow[] = []
    for (const solved of task.solved!({ side, seed, count: limit })) {
      const where = solved.question.id
      try {
        rows.push({ where, demonstration: await demonstrate(task, renderer, solved) })
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        leftOut.add(where, error.message)
      }
    }
    return rows
  }
  const [training, heldOut] = [await read('training'), await read('held-out')]
  const all = training.length + heldOut.length + leftOut.count
  const first = leftOut.first === null ? '' : `; the first that cannot be used: ${leftOut.first}`
  if (training.length === 0 || heldOut.length === 0)
    throw new UserError(
      `${task.name} has ${training.length} questions to train on and ${heldOut.length} to hold out; both are needed${first}`,
    )
  if (leftOut.first !== null) warn(`${task.name}: ${leftOut.paragraph(all)}`)
  return { training, heldOut, repeated: 0, unusable: leftOut.count }
}

/** @throws UserError if the question cannot be put, or the rewards would not accept the demonstration. */
export async function demonstrate(
  task: Task,
  renderer: Renderer,
  { question, thinking, answer }: Solved,
): Promise<Demonstration> {
  // where it is not known how the answer is found, the answer is all there is to think
  const thought = thinking === null || isBlank(thinking) ? answer : thinking
  if (renderer.template === 'r1-zero') {
    const completion = ` <think>\n${thought}\n</think>\n<answer>${answer}</answer>`
    const { problem, answer: read } = parseResponse(completion)
    if (problem !== null) throw new UserError(`its demonstration is not in the format: ${problem}`)
    await requireRight(task, question, read)
    return { prompt: renderer.prompt(question).text, completion }
  }
  const content = `The answer is \\boxed{${answer}}.`
  const { wellFormed, summary } = parseSummary(`<think>\n${thought}\n</think>\n${content}`)
  if (!wellFormed) throw new UserError('its demonstration is not in the format: it has tags of its own')
  await requireRight(task, question, boxedAnswer(summary!))
  const asked = question.messages ?? [{ role: 'user', content: question.prompt }]
  return { messages: [...asked, { role: 'assistant', content, reasoning_content: thought }] }
}

async function requireRight(task: Task, question: Solved['question'], read: string | null): Promise<void> {
  const { correct, reason } = await task.check(question, read)
  if (correct !== true)
    throw new UserError(`its answer ${JSON.stringify(read)} would not be accepted as right (${reason})`)
}

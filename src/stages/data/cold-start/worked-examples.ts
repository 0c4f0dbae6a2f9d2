import { UserError } from '../../../common/errors.ts'
import { readDemonstrations } from '../../../tasks/examples/demonstrations.ts'
import type { WorkedExample } from '../../../tasks/task.ts'
import type { DataContext } from '../context.ts'

/**
 * Long chains for few-shot prompts: from a file of conversations, or the task's own worked example.
 *
 * @throws UserError if there is neither, or for a conversation without a question and an answer.
 */
export async function workedExamples(
  { reasoning, seed, warn, progress }: Pick<DataContext, 'reasoning' | 'seed' | 'warn' | 'progress'>,
  file: string | null,
): Promise<WorkedExample[]> {
  if (file === null) {
    if (!reasoning.workedExample)
      throw new UserError(
        `few-shot prompts need examples of ${reasoning.name}: set coldStart.examples to a file of conversations, or coldStart.fewShot=0`,
        2,
      )
    return [reasoning.workedExample({ seed })]
  }
  const { training } = await readDemonstrations(file, { heldOutShare: 0, warn, progress })
  return training.map(({ demonstration, where }) => {
    if (!('messages' in demonstration))
      return { question: demonstration.prompt, response: demonstration.completion }
    const contentOf = (role: string) =>
      demonstration.messages.find((message) => message.role === role)?.content
    const [question, response] = [contentOf('user'), contentOf('assistant')]
    if (question === undefined || response === undefined)
      throw new UserError(`${where}: an example needs a user message and an assistant message`)
    return { question, response }
  })
}

import { UserError } from '../../common/errors.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import { readDemonstrations } from '../../tasks/examples/demonstrations.ts'
import type { Question } from '../../tasks/task.ts'
import { splitThinking } from '../../thinking/parser/split.ts'
import type { DataContext } from './context.ts'
import { type DataRow, givenRow } from './rows.ts'

const source = 'reused'

/**
 * Existing answers to general prompts: `count` of them from a file of conversations, or from the task's own
 * demonstrations. Conversations with more than one question and answer are left out.
 *
 * @throws UserError if there is neither, or the file has other data than conversations.
 */
export async function reusedAnswers(
  { general, seed, warn, progress }: Pick<DataContext, 'general' | 'seed' | 'warn' | 'progress'>,
  {
    renderer,
    file,
    count,
  }: { readonly renderer: Renderer; readonly file: string | null; readonly count: number },
): Promise<DataRow[]> {
  if (file === null) {
    if (!general.demonstrations)
      throw new UserError(
        `fine-tuning data for ${general.name} is needed: set generalData to a file of conversations`,
        2,
      )
    return general
      .demonstrations({ seed, count })
      .map(({ question, ...answer }) => givenRow(renderer, general, question, { source, ...answer }))
  }
  const { training } = await readDemonstrations(file, { heldOutShare: 0, warn, progress })
  return training.slice(0, count).flatMap(({ demonstration, where }) => {
    if (!('messages' in demonstration)) throw new UserError(`${where}: general data must be conversations`)
    const [user, assistant] = demonstration.messages.slice(-2)
    if (user?.role !== 'user' || assistant?.role !== 'assistant' || demonstration.messages.length > 2)
      return []
    const { thinking, answer } = splitThinking(assistant.content)
    const question: Question = { id: where, prompt: user.content, gold: answer ?? '', kind: 'general' }
    return answer ? [givenRow(renderer, general, question, { source, thinking, summary: answer })] : []
  })
}

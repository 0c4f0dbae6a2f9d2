import { UserError } from '../errors.ts'
import { Random } from '../random.ts'
import { type DataRow, givenRow } from '../stages/data-rows.ts'
import type { TextCodec } from '../stages/rollouts.ts'
import { readDemonstrations } from '../tasks/demonstrations.ts'
import { workedExample } from '../tasks/miniature/index.ts'
import { demonstrate } from '../tasks/miniature/world/index.ts'
import type { Question, Task } from '../tasks/task.ts'
import { splitThinking } from '../thinking/split.ts'
import type { R1Settings } from './r1-settings.ts'

/** Long chains to show in few-shot prompts: one of the miniature's own, or those of a file of conversations. */
export async function workedExamples(
  { coldStart: { examples, fewShot }, task, seed }: R1Settings,
  tell: { warn: (message: string) => void; progress: (line: string) => void },
): Promise<{ question: string; response: string }[]> {
  if (fewShot === 0) return []
  if (examples !== null) {
    const { training } = await readDemonstrations(examples, { heldOutShare: 0, ...tell })
    return training.map(({ demonstration, where }) => {
      if (!('messages' in demonstration))
        return { question: demonstration.prompt, response: demonstration.completion }
      const said = (role: string) => demonstration.messages.find((message) => message.role === role)?.content
      const [question, response] = [said('user'), said('assistant')]
      if (question === undefined || response === undefined)
        throw new UserError(`${where}: an example needs a message of the user and one of the assistant`)
      return { question, response }
    })
  }
  if (task !== 'miniature')
    throw new UserError(
      `few-shot prompts need examples of ${task}: set coldStart.examples to a file of conversations, or coldStart.fewShot=0`,
      2,
    )
  return [workedExample(new Random(seed, 'worked example'), 'arithmetic/1')]
}

/** Answers to general prompts that are there already: the miniature's own, or those of a file of conversations. */
export async function reusedData(
  codec: TextCodec,
  task: Task,
  { general, generalData, mixture: { reused }, seed }: R1Settings,
  tell: { warn: (message: string) => void; progress: (line: string) => void },
): Promise<DataRow[]> {
  const source = 'reused'
  if (generalData !== null) {
    const { training } = await readDemonstrations(generalData, { heldOutShare: 0, ...tell })
    return training.slice(0, reused).flatMap(({ demonstration, where }) => {
      if (!('messages' in demonstration)) throw new UserError(`${where}: general data must be conversations`)
      const [asked, said] = demonstration.messages.slice(-2)
      if (asked?.role !== 'user' || said?.role !== 'assistant' || demonstration.messages.length > 2) return []
      const { thinking, answer } = splitThinking(said.content)
      const question: Question = { id: where, prompt: asked.content, gold: answer ?? '', kind: 'general' }
      return answer ? [givenRow(codec, task, question, { source, thinking, summary: answer })] : []
    })
  }
  if (general !== 'miniature/general')
    throw new UserError(
      `fine-tuning data for ${general} is needed: set generalData to a file of conversations`,
      2,
    )
  const random = new Random(seed, 'reused')
  return task
    .training({ seed: random.bits(), step: 1, count: reused })
    .map((question) => givenRow(codec, task, question, { source, ...demonstrate(random, question) }))
}

import { defineCommand } from 'citty'
import { UserError } from '../../common/errors.ts'
import { engineNames } from '../../engines/open.ts'
import { EMBEDDED_BASE, modelFolder } from '../../hub/find-model.ts'
import { openModel, readModelName } from '../../providers/open-model.ts'
import { Renderer } from '../../renderer/renderer.ts'
import { choiceOption, integerOption, numberOption, textOption, type Values } from '../terminal/arguments.ts'
import { answerOnce, converse, greet } from '../terminal/chat/chat.ts'
import { type Origin, originOf } from '../terminal/chat/origin.ts'
import { readInput } from '../terminal/chat/prompt.ts'
import { ChatSession, type OpenedModel, THINK } from '../terminal/chat/session.ts'
import { command } from '../terminal/command.ts'
import { sayLanguagePart } from '../terminal/language-part.ts'
import {
  outputOf,
  outputOptions,
  refuseLocal,
  templateArguments,
  templateArgumentsOption,
  truncationOf,
  truncationOptions,
} from '../terminal/options.ts'
import { writeMessage } from '../terminal/output.ts'
import { engineOption } from '../terminal/training/options.ts'

export const chat = command(
  defineCommand({
    meta: {
      name: 'chat',
      description:
        'Ask a model a question and watch it think. Without MESSAGE, a conversation: /help lists its commands, and Ctrl-C stops a reply; /exit, Ctrl-D or Ctrl-C at the prompt quits. In a pipe, standard input is the question, and only the answer goes to standard output. A model with a chat template sees the whole conversation; one trained by R1-Zero sees each question on its own',
    },
    args: {
      message: { type: 'positional', required: false, description: 'the question' },
      model: {
        type: 'string',
        valueHint: 'DIR|GGUF|HUB_ID|PROVIDER:NAME',
        description: `model, run, or model behind an API (default: ${EMBEDDED_BASE})`,
      },
      system: {
        type: 'string',
        valueHint: 'TEXT',
        description: 'what the model is told before the conversation',
      },
      think: { type: 'string', valueHint: THINK.join('|'), description: 'how much the model thinks' },
      budget: {
        type: 'string',
        valueHint: 'N',
        description: 'at most N tokens of thinking, then the answer',
      },
      vote: {
        type: 'string',
        valueHint: 'N',
        description: 'answer by the majority of N responses, at temperature 1 unless given',
      },
      temperature: {
        type: 'string',
        valueHint: 'T',
        description: 'sampling temperature; 0 is greedy (default 0; behind an API, its own)',
      },
      ...truncationOptions,
      'template-arguments': templateArgumentsOption,
      'max-tokens': {
        type: 'string',
        valueHint: 'N',
        description: 'longest response (default 512; behind an API, its own)',
      },
      seed: { type: 'string', valueHint: 'N', description: 'seed of the sampling (default 0)' },
      engine: engineOption,
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const [maxTokens, temperature] = [
      integerOption(values, 'max-tokens', 1),
      numberOption(values, 'temperature', 0, 10),
    ]
    const seed = integerOption(values, 'seed', 0) ?? 0
    const truncation = truncationOf(values)
    const engine = choiceOption(values, 'engine', engineNames)
    const thinking = {
      think: choiceOption(values, 'think', THINK) ?? null,
      budget: integerOption(values, 'budget', 0) ?? null,
      vote: integerOption(values, 'vote', 1) ?? null,
    }
    const chat = { arguments: templateArguments(values) }
    const message = textOption(values, 'message')
    if (message?.trim() === '')
      throw new UserError('MESSAGE is empty: give a question, or leave it out for a conversation', 2)

    // in a pipe, only the answer goes to standard output
    const remark = (line: string): void => {
      if (process.stdout.isTTY || output.json) output.sayOnce(line)
      else if (!output.quiet) writeMessage(line)
    }
    async function open(name: string): Promise<OpenedModel & Origin> {
      const notice = (line: string): void => output.live(line)
      try {
        const read = readModelName(name)
        if (read.kind === 'provider') {
          const model = await openModel(name, { notice })
          const given = Object.fromEntries(
            Object.entries(truncation).filter(([option]) => values[KEBAB[option]!] !== undefined),
          )
          const is = `${name}: a model behind the API of ${read.provider.title}.`
          return { model, sampling: { maxTokens, temperature, ...given, seed }, is, question: null }
        }
        const folder = await modelFolder(name, notice, { onCheckpoint: remark })
        sayLanguagePart(output, folder, remark)
        Renderer.load(folder, { chat }).checkArguments(chat.arguments)
        output.live('opening the model')
        const model = await openModel(folder, { engine, chat, schedule: 'continuous' })
        const sampling = { maxTokens: maxTokens ?? 512, temperature: temperature ?? 0, ...truncation, seed }
        return { model: { ...model, name }, sampling, ...(await originOf(name, folder)) }
      } finally {
        output.endLive()
      }
    }

    const question = message ?? (process.stdin.isTTY ? undefined : await readInput())
    if (question?.trim() === '')
      throw new UserError('there is no question: standard input is empty; give it as MESSAGE', 2)
    const name = textOption(values, 'model') ?? EMBEDDED_BASE
    if (readModelName(name).kind === 'local') refuseGreedy(values, temperature, thinking.vote)
    else refuseLocal(values, name)
    const opened = await open(name)
    const session = new ChatSession(opened, thinking)
    session.conversation.system = textOption(values, 'system') ?? null
    try {
      if (question !== undefined) return await answerOnce(question.trim(), output, session)
      greet(output, opened, session.conversation)
      return await converse({ session, output, open, saved: new Set() })
    } finally {
      await session.close()
    }
  },
)

/**
 * Refuses options of sampling on a model of this machine that is asked at temperature 0. A vote samples at another.
 *
 * @throws UserError (exit code 2)
 */
function refuseGreedy(values: Values, temperature: number | undefined, vote: number | null): void {
  const option = Object.values(KEBAB).find((name) => values[name] !== undefined)
  if (option !== undefined && !temperature && vote === null)
    throw new UserError(
      `--${option} has no effect on greedy sampling: add --temperature T above 0, such as 0.7`,
      2,
    )
}

/** The options of a truncation. */
const KEBAB: Readonly<Record<string, string>> = { topK: 'top-k', topP: 'top-p', minP: 'min-p' }

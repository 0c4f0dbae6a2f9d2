import { defineCommand } from 'citty'
import { UserError } from '../../common/errors.ts'
import { engineNames, openSampler } from '../../engines/open.ts'
import { EMBEDDED_BASE, modelFolder } from '../../hub/find-model.ts'
import { loadConfig } from '../../models/checkpoint/directory.ts'
import { Renderer } from '../../renderer/renderer.ts'
import { Conversation } from '../../stages/sample/conversation.ts'
import { choiceOption, integerOption, numberOption, textOption } from '../terminal/arguments.ts'
import { converse, greet, replyTo } from '../terminal/chat/chat.ts'
import { originOf } from '../terminal/chat/origin.ts'
import { command } from '../terminal/command.ts'
import {
  outputOf,
  outputOptions,
  templateArguments,
  templateArgumentsOption,
  truncationOf,
  truncationOptions,
} from '../terminal/options.ts'
import { engineOption } from '../terminal/training/options.ts'

export const chat = command(
  defineCommand({
    meta: {
      name: 'chat',
      description:
        'Ask a model a question: its thinking is streamed in dim text, then its answer. Without MESSAGE, a conversation: /reset starts over; /exit, Ctrl-D or Ctrl-C quits. A model with a chat template sees the whole conversation; one trained by R1-Zero sees each question on its own',
    },
    args: {
      message: { type: 'positional', required: false, description: 'the question' },
      model: {
        type: 'string',
        valueHint: 'DIR|HUB_ID',
        description: `model or run (default: ${EMBEDDED_BASE})`,
      },
      temperature: {
        type: 'string',
        valueHint: 'T',
        description: 'sampling temperature; 0 is greedy (default 0)',
      },
      ...truncationOptions,
      'template-arguments': templateArgumentsOption,
      'max-tokens': { type: 'string', valueHint: 'N', description: 'longest response (default 512)' },
      seed: { type: 'string', valueHint: 'N', description: 'seed of the sampling (default 0)' },
      engine: engineOption,
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const options = {
      maxTokens: integerOption(values, 'max-tokens', 1) ?? 512,
      temperature: numberOption(values, 'temperature', 0, 10) ?? 0,
      ...truncationOf(values),
      seed: integerOption(values, 'seed', 0) ?? 0,
    }
    const engine = choiceOption(values, 'engine', engineNames)
    const message = textOption(values, 'message')
    if (message?.trim() === '')
      throw new UserError('MESSAGE is empty: give a question, or leave it out for a conversation', 2)
    const name = textOption(values, 'model') ?? EMBEDDED_BASE
    const model = await modelFolder(name, (line) => output.live(line), {
      onCheckpoint: (line) => output.say(line),
    })
    const chat = { arguments: templateArguments(values) }
    const renderer = Renderer.load(model, { chat })
    renderer.checkArguments(chat.arguments)
    output.live('opening the model')
    const sampler = await openSampler({ model, engine })
    try {
      const conversation = new Conversation(sampler, renderer, loadConfig(model))
      if (message === undefined) {
        greet(output, await originOf(name, model), conversation)
        return await converse(output, conversation, options)
      }
      await replyTo(message, output, conversation, options)
      return 0
    } finally {
      await sampler.close()
    }
  },
)

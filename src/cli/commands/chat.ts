import { createInterface } from 'node:readline'
import { defineCommand } from 'citty'
import pc from 'picocolors'
import { UserError } from '../../common/errors.ts'
import { openLocalTrainer } from '../../engines/local/index.ts'
import { EMBEDDED_BASE, modelFolder } from '../../hub/find-model.ts'
import { loadConfig } from '../../models/directory.ts'
import { Tokenizer } from '../../models/tokenizer.ts'
import { Conversation } from '../../stages/sample/conversation.ts'
import { command } from '../command.ts'
import { integerOption, numberOption, textOption } from '../terminal/arguments.ts'
import { outputOf, outputOptions } from '../terminal/options.ts'
import type { Output } from '../terminal/output.ts'

export const chat = command(
  defineCommand({
    meta: {
      name: 'chat',
      description:
        'Ask a model: its thinking streams dimmed, then its answer. Without MESSAGE, a conversation: /reset forgets it, /exit, Ctrl-D or Ctrl-C leave. A model with a chat template sees all of the conversation; one trained by R1-Zero knows no other prompt than a single question',
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
      'top-p': { type: 'string', valueHint: 'P', description: 'nucleus sampling (default 1: off)' },
      'max-tokens': { type: 'string', valueHint: 'N', description: 'longest response (default 512)' },
      seed: { type: 'string', valueHint: 'N', description: 'seed of the sampling (default 0)' },
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const asking = {
      maxTokens: integerOption(values, 'max-tokens', 1) ?? 512,
      temperature: numberOption(values, 'temperature', 0, 10) ?? 0,
      topP: numberOption(values, 'top-p', 0.001, 1) ?? 1,
    }
    const seed = integerOption(values, 'seed', 0) ?? 0
    const model = await modelFolder(textOption(values, 'model') ?? EMBEDDED_BASE, (line) => output.live(line))
    const tokenizer = Tokenizer.load(model)
    const trainer = await openLocalTrainer({ model })
    try {
      const conversation = new Conversation(await trainer.sampler(), tokenizer, loadConfig(model))
      const reply = async (message: string, turn: number): Promise<void> => {
        const show = !output.json && !output.quiet
        const { text, thinking, answer } = await conversation.ask(
          message,
          { ...asking, seed: seed + turn },
          (piece, isThinking) => {
            if (show) process.stdout.write(isThinking ? pc.dim(piece) : piece)
          },
        )
        output.emit({ type: 'result', thinking, answer, text })
        if (show) process.stdout.write('\n')
        else if (!output.json) output.result(answer ?? text)
      }
      const message = textOption(values, 'message')
      if (message !== undefined) return void (await reply(message, 0))
      output.say(
        conversation.remembers
          ? 'The model sees the whole conversation. /reset forgets it, /exit leaves.'
          : 'R1-Zero knows only single questions: each is asked on its own. /exit leaves.',
      )
      return await converse(output, reply, () => conversation.reset())
    } finally {
      await trainer.close()
    }
  },
)

/** Lines from the terminal until its end; resolves to the exit code. What the user can mend does not end it. */
async function converse(
  output: Output,
  reply: (line: string, turn: number) => Promise<void>,
  reset: () => void,
): Promise<number> {
  const lines = createInterface({
    input: process.stdin,
    output: output.json ? process.stderr : process.stdout,
    prompt: process.stdin.isTTY ? `${pc.bold('you')} ` : '',
  })
  // Ctrl-C leaves at once, a reply under way or not.
  const interrupted = new Promise<'interrupted'>((resolve) =>
    lines.on('SIGINT', () => resolve('interrupted')),
  )
  let turn = 0
  const answer = async (line: string): Promise<'exit' | undefined> => {
    if (line === '/exit') return 'exit'
    if (line === '/reset') reset()
    else if (/^\/\w*$/.test(line)) process.stderr.write(`there is no ${line}: /reset, /exit\n`)
    else if (line !== '')
      await reply(line, turn++).catch((error: unknown) => {
        if (!(error instanceof UserError)) throw error
        process.stderr.write(`error: ${error.message}\n`)
      })
    return undefined
  }
  const talk = async (): Promise<'exit'> => {
    lines.prompt()
    for await (const line of lines) {
      if ((await answer(line.trim())) === 'exit') return 'exit'
      lines.prompt()
    }
    output.say()
    return 'exit'
  }
  try {
    return (await Promise.race([talk(), interrupted])) === 'exit' ? 0 : 130
  } finally {
    lines.close()
  }
}

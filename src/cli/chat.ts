import { createInterface } from 'node:readline/promises'
import { defineCommand } from 'citty'
import pc from 'picocolors'
import type { Sampler } from '../engines/contract.ts'
import { openLocalTrainer } from '../engines/local/index.ts'
import { Tokenizer } from '../models/tokenizer.ts'
import { EMBEDDED_BASE, modelFolder } from '../recipes/model-folder.ts'
import { parseResponse } from '../thinking/parse.ts'
import { r1ZeroPrompt } from '../thinking/template.ts'
import { integerOption, numberOption, textOption } from './arguments.ts'
import { command } from './command.ts'
import { outputOf, outputOptions } from './options.ts'

interface Asking {
  readonly maxTokens: number
  readonly temperature: number
  readonly topP: number
  readonly seed: number
}

export const chat = command(
  defineCommand({
    meta: {
      name: 'chat',
      description:
        'Ask a model: its thinking streams dimmed, then its answer. Without MESSAGE, ask again and again',
    },
    args: {
      message: { type: 'positional', required: false, description: 'the question' },
      model: { type: 'string', valueHint: 'DIR', description: `model or run (default: ${EMBEDDED_BASE})` },
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
    const asking: Asking = {
      maxTokens: integerOption(values, 'max-tokens', 1) ?? 512,
      temperature: numberOption(values, 'temperature', 0, 10) ?? 0,
      topP: numberOption(values, 'top-p', 0.001, 1) ?? 1,
      seed: integerOption(values, 'seed', 0) ?? 0,
    }
    const model = modelFolder(textOption(values, 'model') ?? EMBEDDED_BASE)
    const tokenizer = Tokenizer.load(model)
    const trainer = await openLocalTrainer({ model })
    try {
      const sampler = await trainer.sampler()
      const reply = async (message: string, seed: number): Promise<void> => {
        const write = output.json || output.quiet ? () => {} : streamDimmed()
        const text = await ask(sampler, tokenizer, message, { ...asking, seed }, write)
        const { thinking, answer } = parseResponse(text)
        output.emit({ type: 'result', thinking, answer, text })
        if (output.quiet && !output.json) output.result(answer ?? text)
        else if (!output.json) process.stdout.write('\n')
      }
      const message = textOption(values, 'message')
      if (message !== undefined) await reply(message, asking.seed)
      else await converse((line, turn) => reply(line, asking.seed + turn))
    } finally {
      await trainer.close()
    }
  },
)

async function ask(
  sampler: Sampler,
  tokenizer: Tokenizer,
  message: string,
  { seed, ...options }: Asking,
  write: (text: string) => void,
): Promise<string> {
  const stream = tokenizer.stream()
  let text = ''
  const push = (piece: string): void => {
    text += piece
    write(piece)
  }
  await sampler.sample(tokenizer.encode(r1ZeroPrompt(message)), {
    n: 1,
    ...options,
    seed,
    stopTokens: [tokenizer.eosId],
    onToken: (_, token) => {
      if (token !== tokenizer.eosId) push(stream.push(token))
    },
  })
  push(stream.end())
  return text
}

/** Dims what comes before the answer part. */
function streamDimmed(): (text: string) => void {
  let seen = ''
  return (text) => {
    const thinking = !seen.includes('</think>')
    seen += text
    process.stdout.write(thinking ? pc.dim(text) : text)
  }
}

/** Lines from the terminal until end of input. */
async function converse(reply: (line: string, turn: number) => Promise<void>): Promise<void> {
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: `${pc.bold('you')} `,
  })
  let turn = 0
  lines.prompt()
  for await (const line of lines) {
    if (line.trim() !== '') await reply(line.trim(), turn++)
    lines.prompt()
  }
  process.stdout.write('\n')
}

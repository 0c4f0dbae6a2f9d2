import { createInterface } from 'node:readline'
import pc from 'picocolors'
import { UserError } from '../../common/errors.ts'
import { printable } from '../../common/printable.ts'
import type { Conversation } from '../../stages/sample/conversation.ts'
import type { Origin } from './origin.ts'
import type { Output } from './output.ts'

type AskOptions = Parameters<Conversation['ask']>[1]

/** Asks the model once and shows its reply as it comes: the thinking dimmed, then the answer. */
export async function replyTo(
  message: string,
  output: Output,
  conversation: Conversation,
  options: AskOptions,
): Promise<void> {
  const streaming = !output.json && !output.quiet
  output.live('reading the question')
  let waiting = true
  const { text, thinking, answer } = await conversation.ask(message, options, (piece, isThinking) => {
    // the white space before the first word is not shown
    const text = waiting ? printable(piece).trimStart() : printable(piece)
    if (!streaming || text === '') return
    if (waiting) output.endLive()
    waiting = false
    process.stdout.write(isThinking ? pc.dim(text) : text)
  })
  output.emit({ type: 'result', thinking, answer, text })
  if (streaming) process.stdout.write('\n')
  else if (!output.json) output.result(printable(answer ?? text))
}

/** Says what a model is, what it sees of a conversation, and a question to begin with. */
export function greet(output: Output, { is, question }: Origin, conversation: Conversation): void {
  output.say(printable(is))
  output.say(
    conversation.remembers
      ? 'It sees the whole conversation. /reset starts over, /exit quits.'
      : "It sees each question on its own, in R1-Zero's template. /exit quits.",
  )
  if (question !== null) output.say(`Try: ${pc.bold(printable(question))}`)
}

/**
 * Reads questions from standard input, one per line, and shows the replies, until /exit or the end of the input. Question
 * i is sampled with seed + i. A question that fails with a UserError does not end the conversation.
 *
 * @returns the exit code: 130 after Ctrl-C, otherwise 0
 */
export async function converse(
  output: Output,
  conversation: Conversation,
  options: AskOptions,
): Promise<number> {
  const lines = createInterface({
    input: process.stdin,
    output: output.json ? process.stderr : process.stdout,
    prompt: process.stdin.isTTY ? `${pc.bold('you')} ` : '',
  })
  // Ctrl-C leaves at once, even during a reply.
  const interrupted = new Promise<130>((resolve) =>
    lines.on('SIGINT', () => {
      output.say()
      resolve(130)
    }),
  )
  const talk = async (): Promise<0> => {
    let turn = 0
    lines.prompt()
    for await (const line of lines) {
      const words = line.trim()
      if (words === '/exit') return 0
      if (words === '/reset') conversation.reset()
      else if (/^\/\w*$/.test(words))
        process.stderr.write(`unknown command ${words}; there are /reset and /exit\n`)
      else if (words !== '') {
        const { seed } = options
        await replyTo(words, output, conversation, { ...options, seed: seed + turn++ }).catch(showUserError)
      }
      lines.prompt()
    }
    output.say()
    return 0
  }
  try {
    return await Promise.race([talk(), interrupted])
  } finally {
    lines.close()
  }
}

function showUserError(error: unknown): void {
  if (!(error instanceof UserError)) throw error
  process.stderr.write(`error: ${printable(error.message)}\n`)
}

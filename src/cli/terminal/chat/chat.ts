import { setTimeout as sleep } from 'node:timers/promises'
import pc from 'picocolors'
import { UserError } from '../../../common/errors.ts'
import { namingGgufs } from '../../../common/files/conversions.ts'
import { printable } from '../../../common/printable.ts'
import type { Reply } from '../../../stages/sample/conversation.ts'
import type { Output } from '../output.ts'
import { writeMessage } from '../output.ts'
import { type ChatContext, isCommand, runCommand } from './commands.ts'
import type { Origin } from './origin.ts'
import { Prompt } from './prompt.ts'
import { ReplyView } from './reply.ts'
import type { ChatSession } from './session.ts'

/** How long a reply that was stopped may take to end before the conversation ends without it, in milliseconds. */
const LAST_WORDS = 500

/** Asks the model once and shows its reply as it comes. */
export async function replyTo(
  message: string,
  output: Output,
  session: ChatSession,
  signal?: AbortSignal,
): Promise<Reply> {
  const view = new ReplyView(output)
  try {
    const reply = await session.ask(message, (event) => view.take(event), signal)
    view.end(reply)
    return reply
  } catch (error) {
    view.fail()
    throw error
  }
}

/**
 * Asks the model one question, for a command that is not a conversation.
 *
 * @returns the exit code: 0 if there is an answer, 1 if there is none, 130 after Ctrl-C
 */
export async function answerOnce(message: string, output: Output, session: ChatSession): Promise<number> {
  const leaving = new AbortController()
  const stop = (): void => leaving.abort()
  process.once('SIGINT', stop)
  try {
    const { answer } = await replyTo(message, output, session, leaving.signal)
    return leaving.signal.aborted ? 130 : answer === null ? 1 : 0
  } finally {
    process.off('SIGINT', stop)
  }
}

/** Says what a model is, what it sees of a conversation, and a question to begin with. */
export function greet(
  output: Output,
  { is, question }: Origin,
  { remembers }: { readonly remembers: boolean },
): void {
  output.say(printable(is))
  output.say(
    remembers
      ? 'It sees the whole conversation.'
      : "It sees each question on its own, in R1-Zero's template.",
  )
  output.say('/help lists the commands, /exit quits.')
  if (question !== null) output.say(`Try: ${pc.bold(printable(question))}`)
}

/**
 * Reads messages from the terminal and shows the replies, until /exit or the end of the input. Ctrl-C stops the reply that
 * is coming, and otherwise ends the conversation. What fails with a UserError does not end it.
 *
 * @returns the exit code: 130 after Ctrl-C, otherwise 0
 */
export async function converse(context: ChatContext): Promise<number> {
  const { output, session } = context
  let reply: AbortController | null = null
  let replied: Promise<unknown> | null = null
  let leave = (_: 130): void => {}
  const interrupted = new Promise<130>((resolve) => {
    leave = resolve
  })
  const prompt = new Prompt({
    stream: output.json ? process.stderr : process.stdout,
    prompt: `${pc.bold('you')} `,
    onInterrupt() {
      if (reply !== null && !reply.signal.aborted) reply.abort()
      else leave(130)
    },
  })
  const ask = async (question: string): Promise<void> => {
    reply = new AbortController()
    replied = replyTo(question, output, session, reply.signal)
    try {
      await replied
    } finally {
      reply = replied = null
    }
  }
  const talk = async (): Promise<0> => {
    for (let message = await prompt.next(); message !== null; message = await prompt.next()) {
      const words = message.trim()
      if (words === '') continue
      try {
        const next = isCommand(words) ? await runCommand(context, words) : { ask: words }
        if (next === 'exit') return 0
        if (next) await ask(next.ask)
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        output.endLive()
        writeMessage(`error: ${printable(namingGgufs(error.message))}`)
      }
    }
    output.say()
    return 0
  }
  try {
    const code = await Promise.race([talk(), interrupted])
    // what there is of a reply is shown before the end, unless its model does not stop
    if (replied !== null) await Promise.race([Promise.allSettled([replied]), sleep(LAST_WORDS)])
    else if (code === 130) output.say()
    return code
  } finally {
    prompt.close()
  }
}

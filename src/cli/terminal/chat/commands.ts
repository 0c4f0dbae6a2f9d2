import pc from 'picocolors'
import { UserError } from '../../../common/errors.ts'
import { nearest } from '../../../common/nearest.ts'
import { printable } from '../../../common/printable.ts'
import { plural } from '../../../common/words.ts'
import type { Output } from '../output.ts'
import { padEnd, wrap } from '../width.ts'
import { folded } from './reply.ts'
import { type ChatSession, type OpenedModel, THINK } from './session.ts'
import { saveConversation } from './transcript.ts'

/** What the commands of a conversation can see and change. */
export interface ChatContext {
  readonly session: ChatSession
  readonly output: Output
  /** Opens another model, and says what it is. */
  readonly open: (name: string) => Promise<OpenedModel & { readonly is: string }>
  /** Files that this conversation was saved to. */
  readonly saved: Set<string>
}

/** What happens after a command: a question is asked, or the conversation ends. */
export type Next = { readonly ask: string } | 'exit' | undefined

interface ChatCommand {
  readonly takes?: string
  readonly about: string
  readonly run: (context: ChatContext, argument: string) => Next | Promise<Next>
}

const COMMANDS: Readonly<Record<string, ChatCommand>> = {
  think: {
    takes: THINK.join('|'),
    about: 'how much the model thinks',
    run({ session, output }, argument) {
      if (argument === '') return void output.prose(`thinking is ${session.state.think ?? 'on'}`)
      const think = THINK.find((name) => name === argument)
      if (think === undefined) throw new UserError(`/think ${argument}: choose one of ${THINK.join(', ')}`)
      session.think({ think, ...(think === 'on' ? {} : { budget: null }) })
      output.prose(`thinking is ${think}`)
    },
  },
  budget: {
    takes: 'N|off',
    about: 'at most N tokens of thinking, then the answer',
    run({ session, output }, argument) {
      if (argument !== '') session.think({ budget: amount('budget', argument, 0), think: null })
      const { budget } = session.state
      output.prose(budget === null ? 'no thinking budget' : `at most ${plural(budget, 'token')} of thinking`)
    },
  },
  vote: {
    takes: 'N|off',
    about: 'answer by the majority of N responses',
    run({ session, output }, argument) {
      if (argument !== '') session.think({ vote: amount('vote', argument, 1) })
      const { vote } = session.state
      output.prose(vote === null ? 'no vote' : `a vote over ${plural(vote, 'response')}`)
    },
  },
  model: {
    takes: 'NAME',
    about: 'continue with another model',
    async run({ session, output, open }, argument) {
      if (argument === '') return void output.prose(printable(session.model.name))
      const { is, ...opened } = await open(argument)
      try {
        await session.use(opened)
      } catch (error) {
        await opened.model.close()
        throw error
      }
      output.prose(printable(is))
    },
  },
  system: {
    takes: 'TEXT|off',
    about: 'what the model is told before the conversation',
    run({ session: { conversation }, output }, argument) {
      if (argument !== '') conversation.system = argument === 'off' ? null : argument
      output.prose(
        conversation.system === null ? 'no system message' : `system: ${printable(conversation.system)}`,
      )
    },
  },
  thinking: {
    about: 'show the last thinking in full',
    run({ session, output }) {
      const reply = session.conversation.turns.at(-1)?.reply
      if (!reply?.thinking) throw new UserError('there is no thinking to show')
      output.prose(pc.dim(`${folded(reply.statistics)}\n${printable(reply.thinking)}`))
    },
  },
  retry: {
    about: 'ask the last question again',
    run({ session }) {
      const question = session.takeBack()
      if (question === null) throw new UserError('there is no question to ask again')
      return { ask: question }
    },
  },
  reset: {
    about: 'forget the conversation',
    run({ session, output }) {
      session.conversation.reset()
      output.say('a new conversation')
    },
  },
  save: {
    takes: 'FILE',
    about: 'write the conversation to a .json or .md file',
    run({ session: { conversation }, output, saved }, argument) {
      if (argument === '') throw new UserError('/save FILE: give the name of a .json or .md file')
      saveConversation(conversation, argument, saved)
      output.prose(`saved to ${printable(argument)}`)
    },
  },
  help: {
    about: 'this list',
    run: ({ output }) => void output.result(helpText(output.width)),
  },
  exit: { about: 'quit, like Ctrl-D', run: () => 'exit' },
}

/** Is a message a command, and not a question that begins with a path? */
export const isCommand = (message: string): boolean => /^\/[\w-]*(?:\s|$)/.test(message)

/** Runs a command such as `/budget 100`. @throws UserError that says what is wrong with it. */
export async function runCommand(context: ChatContext, message: string): Promise<Next> {
  const [, name, argument] = /^\/([\w-]*)\s*(.*)$/s.exec(message)!
  const command = Object.hasOwn(COMMANDS, name!) ? COMMANDS[name!]! : null
  if (command !== null) return command.run(context, argument!.trim())
  const similar = nearest(name!, Object.keys(COMMANDS))
  throw new UserError(
    `unknown command /${name}; ${similar === null ? '' : `did you mean /${similar}? `}/help lists the commands`,
  )
}

/** A number from a command's argument; null for `off`. */
function amount(name: string, argument: string, least: number): number | null {
  if (argument === 'off') return null
  const value = Number(argument)
  if (Number.isInteger(value) && value >= least) return value
  throw new UserError(`/${name} ${argument}: give a whole number of at least ${least}, or off`)
}

function helpText(width: number): string {
  const rows = Object.entries(COMMANDS).map(
    ([name, { takes, about }]) => [`/${name}${takes ? ` ${takes}` : ''}`, about] as const,
  )
  const column = Math.max(...rows.map(([usage]) => usage.length)) + 2
  const keys = 'Ctrl-C stops a reply; a second one quits.'
  const lines =
    width < column + 45
      ? rows.map(([usage, about]) => `  ${usage}\n${wrap(`    ${about}`, width)}`)
      : rows.map(([usage, about]) => `  ${padEnd(usage, column)}${about}`)
  return [...lines, wrap(keys, width)].join('\n')
}

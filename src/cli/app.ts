import { Stopped, UserError } from '../common/errors.ts'
import { namingGgufs } from '../common/files/conversions.ts'
import { versions } from '../common/files/package.ts'
import { nearest } from '../common/nearest.ts'
import { readArguments } from './terminal/arguments.ts'
import type { Command } from './terminal/command.ts'
import { commandHelp, overview } from './terminal/help.ts'
import { canRedraw, columnsOf, liveArea } from './terminal/live-area.ts'
import { activityLine, writeMessage } from './terminal/output.ts'

/** Every command. Its module is loaded when it is called. */
const COMMANDS: Record<string, { about: string; load: () => Promise<Command> }> = {
  init: {
    about: 'begin with a table of your own questions',
    load: async () => (await import('./commands/init.ts')).init,
  },
  zero: {
    about: 'train R1-Zero: reinforcement learning from a base model',
    load: async () => (await import('./commands/zero.ts')).zero,
  },
  r1: {
    about: 'train DeepSeek-R1 in its four steps, and a distilled student',
    load: async () => (await import('./commands/r1.ts')).r1,
  },
  distill: {
    about: 'train a small model on the answers of a larger one',
    load: async () => (await import('./commands/distill.ts')).distill,
  },
  sft: {
    about: 'fine-tune a model on demonstrations',
    load: async () => (await import('./commands/sft.ts')).sft,
  },
  reward: {
    about: 'train a reward model on preferences',
    load: async () => (await import('./commands/reward.ts')).reward,
  },
  dpo: {
    about: 'train a model to prefer the better of two answers',
    load: async () => (await import('./commands/dpo.ts')).dpo,
  },
  merge: {
    about: 'make a plain model of trained adapters and their base',
    load: async () => (await import('./commands/merge.ts')).merge,
  },
  pretrain: {
    about: 'make the miniature base model from scratch',
    load: async () => (await import('./commands/pretrain.ts')).pretrain,
  },
  resume: {
    about: 'continue a run that was stopped',
    load: async () => (await import('./commands/resume.ts')).resume,
  },
  runs: {
    about: 'list runs, show their metrics and read their rollouts',
    load: async () => (await import('./commands/runs.ts')).runs,
  },
  eval: {
    about: 'measure accuracy, with votes and thinking budgets too',
    load: async () => (await import('./commands/eval.ts')).evaluation,
  },
  chat: {
    about: 'ask a model and watch it think',
    load: async () => (await import('./commands/chat.ts')).chat,
  },
  export: {
    about: 'write a model for llama.cpp, Ollama, the browser or the hub',
    load: async () => (await import('./commands/export.ts')).exporting,
  },
  serve: {
    about: 'serve a model to the clients of OpenAI, Anthropic and Ollama',
    load: async () => (await import('./commands/serve.ts')).serve,
  },
  studio: {
    about: 'open a page that shows runs as they learn',
    load: async () => (await import('./commands/studio.ts')).studio,
  },
  tasks: {
    about: 'list the tasks, or check a table of questions',
    load: async () => (await import('./commands/tasks.ts')).tasks,
  },
  verify: {
    about: 'is an answer mathematically equal to the gold?',
    load: async () => (await import('./commands/verify.ts')).verification,
  },
  doctor: {
    about: 'check that this machine can train',
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
}

/** Runs one command line; resolves to the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
export async function main(words: readonly string[]): Promise<number> {
  try {
    return await dispatch(words)
  } catch (error) {
    return report(error, words.includes('--json'))
  } finally {
    liveArea.clear()
  }
}

async function dispatch([name, ...rest]: readonly string[]): Promise<number> {
  const [topic] = rest
  if (name === 'help' && topic !== undefined) return dispatch([topic, '--help'])
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(`${overview(COMMANDS, columnsOf(process.stdout))}\n`)
    return name === undefined ? 2 : 0
  }
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${versions().ruminate}\n`)
    return 0
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!entry) {
    if (name.startsWith('-'))
      throw new UserError(
        `${name} is no command; options follow the command, as in \`ruminate zero ${name}\` (\`ruminate --help\` lists the commands)`,
        2,
      )
    const near = nearest(name, Object.keys(COMMANDS))
    throw new UserError(
      `unknown command "${name}"${near ? `; did you mean ${near}?` : ''} (\`ruminate --help\` lists them)`,
      2,
    )
  }
  const isHelp = rest.includes('--help') || rest.includes('-h')
  showStart(rest)
  const command = await entry.load()
  if (isHelp) {
    liveArea.clear()
    process.stdout.write(`${commandHelp(name, command, columnsOf(process.stdout))}\n`)
    return 0
  }
  return (await command.run(readArguments(name, rest, (command.definition.args ?? {}) as never))) ?? 0
}

/** Shows at once that the command was understood: its module takes up to a second to load. */
function showStart(words: readonly string[]): void {
  const stream = words.includes('--json') ? process.stderr : process.stdout
  if (canRedraw(stream) && !words.includes('--quiet')) {
    const activity = { text: 'starting', since: performance.now() }
    liveArea.show(stream, (width) => [activityLine(activity, width)])
  }
}

/** Says why a command ended, on standard error and, with `json`, also as an object for programs. Returns the exit code. */
function report(error: unknown, json: boolean): number {
  liveArea.clear()
  // a line of its own, also after the terminal's ^C
  if (canRedraw(process.stderr)) process.stderr.write('\r\x1b[K')
  if (error instanceof Stopped) {
    if (json) emit({ type: 'interrupted', message: error.message })
    writeMessage(error.message)
    return 130
  }
  const line = namingGgufs((error instanceof Error ? error.message : String(error)).split('\n')[0]!)
  if (json) emit({ type: 'error', message: line })
  if (error instanceof UserError) {
    writeMessage(`error: ${line}`)
    return error.exitCode
  }
  if (process.env.RUMINATE_DEBUG) process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
  else writeMessage(`error: ${line} (unexpected; set RUMINATE_DEBUG=1 for the stack)`)
  return 1
}

/** One object for programs. */
function emit(object: { readonly type: string; readonly message: string }): void {
  process.stdout.write(`${JSON.stringify(object)}\n`)
}

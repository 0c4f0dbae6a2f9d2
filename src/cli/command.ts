import type { ArgsDef, CommandDef } from 'citty'
import type { Values } from './terminal/arguments.ts'

/** A command: its description for the help, and what it does with arguments read strictly by that description. */
export interface Command {
  readonly definition: CommandDef<ArgsDef>
  /** Resolves to the exit code; nothing means 0. */
  readonly run: (values: Values) => Promise<number | undefined> | Promise<void>
}

export function command<A extends ArgsDef>(definition: CommandDef<A>, run: Command['run']): Command {
  return { definition: definition as unknown as CommandDef<ArgsDef>, run }
}

import type { ArgsDef, CommandDef } from 'citty'
import type { Values } from './arguments.ts'

/** A command: its definition, for the help and for reading its arguments, and what it does with them. */
export interface Command {
  readonly definition: CommandDef<ArgsDef>
  /** Resolves to the exit code; undefined means 0. */
  readonly run: (values: Values) => Promise<number | undefined> | Promise<void>
}

/** Pairs a definition with what the command does. */
export function command<A extends ArgsDef>(definition: CommandDef<A>, run: Command['run']): Command {
  return { definition: definition as unknown as CommandDef<ArgsDef>, run }
}

import type { ArgsDef } from 'citty'
import type { Command } from './command.ts'
import { displayWidth, padEnd, wrap } from './width.ts'

/** Widest column of names; a longer name has a line of its own. */
const NAMES = 26
/** Up to this width, every description stands below its name. */
const NARROW = 60

/** The commands with what they do, for a terminal of `width` columns. */
export function overview(commands: Readonly<Record<string, { about: string }>>, width: number): string {
  const rows = Object.entries(commands).map(([name, { about }]): Row => [name, about])
  return [
    'ruminate: train language models to think',
    'Usage: ruminate COMMAND [options]',
    columns(rows, width),
    wrap("`ruminate COMMAND --help` shows a command's options.", width),
  ].join('\n\n')
}

/** What a command does and takes, for a terminal of `width` columns. */
export function commandHelp(name: string, { definition }: Command, width: number): string {
  const { description = '' } = definition.meta as { description?: string }
  const args = Object.entries((definition.args ?? {}) as ArgsDef)
  const positionals = args.filter(([, { type }]) => type === 'positional')
  const options = args.filter(([, { type }]) => type !== 'positional')
  const words = positionals.map(([key, { required }]) =>
    required ? key.toUpperCase() : `[${key.toUpperCase()}]`,
  )
  const needed = options.flatMap(([key, arg]) => (arg.required ? [optionName(key, arg)] : []))
  return [
    wrap(`${description}.`, width),
    wrap(['Usage: ruminate', name, ...words, ...needed, '[options]'].join(' '), width, 2),
    ...(positionals.length > 0
      ? [
          `Arguments\n${columns(
            positionals.map(([key, arg]) => [key.toUpperCase(), about(arg)]),
            width,
          )}`,
        ]
      : []),
    `Options\n${columns(
      options.map(([key, arg]) => [optionName(key, arg), about(arg)]),
      width,
    )}`,
  ].join('\n\n')
}

type Row = readonly [name: string, about: string]
type Arg = ArgsDef[string]

const about = ({ description = '' }: Arg): string => description
const optionName = (key: string, { type, ...arg }: Arg): string =>
  type === 'boolean' ? `--${key}` : `--${key}=<${(arg as { valueHint?: string }).valueHint}>`

/** Names on the left, descriptions beside them; where there is no room for both, below them. */
function columns(rows: readonly Row[], width: number): string {
  const fitting = rows.map(([name]) => displayWidth(name)).filter((w) => w <= NAMES)
  const left = width < NARROW ? 4 : 2 + Math.max(0, ...fitting) + 2
  const margin = ' '.repeat(left)
  return rows
    .map(([name, description]) => {
      const lines = wrap(description, width - left).replaceAll('\n', `\n${margin}`)
      const beside = width >= NARROW && displayWidth(name) <= NAMES
      return beside ? padEnd(`  ${name}`, left) + lines : `  ${name}\n${margin}${lines}`
    })
    .join('\n')
}

import type { ArgsDef } from 'citty'
import { UserError } from '../../common/errors.ts'
import { merge, readAssignment, readSettingsFile, type Tree } from '../../settings/layers.ts'
import { integerOption, textOption, type Values } from './arguments.ts'
import { Output } from './output.ts'

/** Options of every command that prints. */
export const outputOptions = {
  json: { type: 'boolean', description: 'one JSON object a line on standard output, for programs' },
  quiet: { type: 'boolean', description: 'no progress, only the result' },
} satisfies ArgsDef

/** Options of every command that trains. */
export const trainingOptions = {
  out: { type: 'string', valueHint: 'DIR', description: 'folder of the run (default: runs/<recipe>-<n>)' },
  seed: { type: 'string', valueHint: 'N', description: 'seed of everything random (default 0)' },
  config: { type: 'string', valueHint: 'FILE', description: 'settings from a YAML or JSON file' },
  set: {
    type: 'string',
    valueHint: 'a.b=c',
    description: 'one setting, e.g. rewards.language=0.1; may be repeated',
  },
  ...outputOptions,
} satisfies ArgsDef

/** Options of every command that trains on rows of a table, besides the columns and the model. */
export const tuningOptions = {
  engine: { type: 'string', valueHint: 'NAME', description: 'where it trains (local)' },
  epochs: {
    type: 'string',
    valueHint: 'N',
    description: 'passes over the data (default: as the preset says)',
  },
  preset: { type: 'string', valueHint: 'NAME', description: 'scale: miniature (default) or deepseek-r1' },
  threads: { type: 'string', valueHint: 'N', description: 'threads (default: one a core)' },
  ...trainingOptions,
} satisfies ArgsDef

/** Their settings. */
export function tuningSettings(values: Values): Tree {
  return layeredSettings(values, {
    model: textOption(values, 'model'),
    data: textOption(values, 'data'),
    columns: columnsOption(values),
    engine: textOption(values, 'engine'),
    epochs: integerOption(values, 'epochs', 1),
    preset: textOption(values, 'preset'),
    seed: integerOption(values, 'seed', 0),
    threads: integerOption(values, 'threads', 1, 1024),
  })
}

/** Option of every command that reads a table. */
export const COLUMNS = {
  type: 'string',
  valueHint: 'a=b,c=d',
  description:
    'columns of a table: question=NAME, answer=NAME, choices=NAME or [A,B,C,D], kind=NAME, tests=NAME',
} as const

/** "question=problem,choices=[A,B]" → { question: 'problem', choices: ['A', 'B'] }. Values are read as YAML. */
export function columnsOption(values: Values): Tree {
  const pieces = textOption(values, 'columns')?.split(/,(?![^[]*\])/) ?? []
  for (const piece of pieces)
    if (!/^\w+=/.test(piece))
      throw new UserError(`--columns ${piece}: write it as question=NAME,answer=NAME`, 2)
  return merge(...pieces.map(readAssignment))
}

export function outputOf(values: Values): Output {
  return new Output({ json: values.json === true, quiet: values.quiet === true })
}

/** Settings in the order in which they win: the file, then options of their own, then --set. */
export function layeredSettings(values: Values, options: Tree): Tree {
  const file = textOption(values, 'config')
  const assignments = (values.set ?? []) as readonly string[]
  return merge(file ? readSettingsFile(file) : {}, options, ...assignments.map(readAssignment))
}

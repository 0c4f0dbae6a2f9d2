import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { ArgsDef } from 'citty'
import { UserError } from '../../common/errors.ts'
import type { Truncation } from '../../engines/contract.ts'
import { merge, readAssignment, readSettingsFile, type Tree } from '../../settings/layers.ts'
import { type Section, settingsFor } from '../../settings/sections.ts'
import { integerOption, numberOption, shareOption, textOption, type Values } from './arguments.ts'
import { Output } from './output.ts'

/** Options of every command that prints. */
export const outputOptions = {
  json: { type: 'boolean', description: 'one JSON object per line on standard output, for programs' },
  quiet: { type: 'boolean', description: 'only the result: no progress, plots, examples or advice' },
} satisfies ArgsDef

/** Options of every command that samples: which tokens may be drawn. */
export const truncationOptions = {
  'top-k': { type: 'string', valueHint: 'K', description: 'sample the likeliest K tokens (default 0: all)' },
  'top-p': { type: 'string', valueHint: 'P', description: 'nucleus sampling (default 1: off)' },
  'min-p': {
    type: 'string',
    valueHint: 'P',
    description: 'sample tokens at least P times as likely as the likeliest (default 0: all)',
  },
} satisfies ArgsDef

/** What `truncationOptions` ask for. */
export const truncationOf = (values: Values): Record<keyof Truncation, number> => ({
  topK: integerOption(values, 'top-k', 0) ?? 0,
  topP: shareOption(values, 'top-p', { whole: true }) ?? 1,
  minP: numberOption(values, 'min-p', 0, 1) ?? 0,
})

/** Option of every command that reads a table of questions. */
export const columnsOption = {
  type: 'string',
  valueHint: 'a=b,c=d',
  description:
    'columns of a table: question=NAME, answer=NAME, choices=NAME or [A,B,C,D], kind=NAME, tests=NAME, thinking=NAME',
} as const

/** Option of every command that reads a table without training on it. */
export const heldOutShareOption = {
  type: 'string',
  valueHint: 'S',
  description: 'share of a table that is held out (default 0.1, as eval.share in training)',
} as const

/** What `heldOutShareOption` says. */
export const heldOutShareOf = (values: Values): number | undefined =>
  shareOption(values, 'held-out-share', { whole: false })

/** Option of every command that reads settings from a file. */
export const configOption = {
  type: 'string',
  valueHint: 'FILE',
  description: 'settings from a YAML or JSON file',
} as const

/**
 * "question=problem,choices=[A,B]" → { question: 'problem', choices: ['A', 'B'] }. Values are read as YAML.
 *
 * @throws UserError where a part is not of the form NAME=VALUE.
 */
export const columnsSettings = (values: Values): Tree =>
  assignments(values, 'columns', 'write it as ROLE=NAME, for example question=NAME')

/** Option of commands that sample a model without a run. */
export const templateArgumentsOption = {
  type: 'string',
  valueHint: 'a=b,c=d',
  description: 'variables of the chat template, for example enable_thinking=false',
} as const

/** The chat template's arguments that `templateArgumentsOption` gives. */
export const templateArguments = (values: Values): Tree =>
  assignments(values, 'template-arguments', 'write it as NAME=VALUE, for example enable_thinking=false')

/** @throws UserError for an option that has no effect on a provider's model. */
export function refuseLocal(values: Values, model: string): void {
  const option = ['template-arguments', 'engine'].find((name) => values[name] !== undefined)
  if (option !== undefined)
    throw new UserError(`--${option} has no effect on ${model}, a model behind an API: leave it out`, 2)
}

/** "a=b,c=[d,e]" → { a: 'b', c: ['d', 'e'] } */
function assignments(values: Values, option: string, form: string): Tree {
  const parts = textOption(values, option)?.split(/,(?![^[]*\])/) ?? []
  for (const part of parts) if (!/^\w+=/.test(part)) throw new UserError(`--${option} ${part}: ${form}`, 2)
  return merge(...parts.map(readAssignment))
}

/** The output that `outputOptions` ask for. */
export function outputOf(values: Values): Output {
  return new Output({ json: values.json === true, quiet: values.quiet === true })
}

/** The settings that the file of --config has for a command, in layers; null: the file has no sections. */
export function configLayers(values: Values, command: Section | null): Tree[] {
  const file = textOption(values, 'config')
  if (file === undefined) return []
  const settings = readSettingsFile(file)
  const layers = command === null ? [settings] : settingsFor(command, settings)
  requireTable(file, merge(...layers), values)
  return layers
}

/**
 * The table that a settings file names is looked for in the current folder.
 *
 * @throws UserError if it is only in the folder of the settings file, and no option names another.
 */
function requireTable(file: string, settings: Tree, values: Values): void {
  const set = merge(...((values.set ?? []) as readonly string[]).map(readAssignment))
  const sources = ['task', 'data']
  if (sources.some((name) => values[name] !== undefined || set[name] !== undefined)) return
  for (const name of sources) {
    const table = settings[name]
    if (typeof table !== 'string' || existsSync(table)) continue
    const folder = dirname(file)
    if (existsSync(resolve(folder, table)))
      throw new UserError(
        `there is no ${table} in the current folder, where the ${name} of ${file} is looked for; it is in ${folder}: run the command there`,
        2,
      )
  }
}

/** The settings of a command in layers, later ones winning: --config, the options with a name of their own, --set. */
export function settingsLayers(values: Values, command: Section | null, options: Tree): Tree[] {
  const assignments = (values.set ?? []) as readonly string[]
  return [...configLayers(values, command), options, ...assignments.map(readAssignment)]
}

/** The settings of a command, merged. */
export const layeredSettings = (values: Values, command: Section | null, options: Tree): Tree =>
  merge(...settingsLayers(values, command, options))

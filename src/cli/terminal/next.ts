import { existsSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import pc from 'picocolors'
import { convertedFrom } from '../../common/files/conversions.ts'
import { packageRoot } from '../../common/files/package.ts'
import { pathFromHere } from '../../common/files/paths.ts'
import { shellWord } from '../../common/shell.ts'
import type { Output } from './output.ts'
import { displayWidth, padEnd } from './width.ts'

/** A command to go on with, without `npx ruminate`, and what it does. */
export type NextStep = readonly [command: string, purpose: string]

/** Where the model of a training is. */
export const showModel = (output: Output, folder: string): void =>
  output.result(`\n${pc.bold('Model')}\n  ${pathFromHere(folder)}`)

/** Lists what can be done next. A command is never broken; its purpose stands beside it, or below if there is no room. */
export function showNext(output: Output, steps: readonly NextStep[]): void {
  const commands = steps.map(([command]) => `  npx ruminate ${command}`)
  const longest = Math.max(...commands.map(displayWidth))
  const beside = steps.every(
    ([, purpose]) => longest + 3 + displayWidth(purpose) <= Math.min(output.width, 80),
  )
  const lines = steps.map(([, purpose], i) =>
    beside
      ? `${padEnd(commands[i]!, longest)}   ${pc.dim(purpose)}`
      : `${commands[i]}\n      ${pc.dim(purpose)}`,
  )
  output.aside(`\n${pc.bold('Next')}\n${lines.join('\n')}`)
}

/** A run, as commands in this folder take it: its name in `runs/`, or its path. A word for the shell. */
export function runWord(directory: string): string {
  const name = basename(directory)
  return shellWord(isNamed(name, resolve(directory)) ? name : pathFromHere(directory))
}

/** The command that opens the studio of the folder around a run. */
export function studioCommand(directory: string): string {
  const root = dirname(resolve(directory))
  return root === resolve('runs') ? 'studio' : `studio ${shellWord(pathFromHere(root))}`
}

/** A model, as `--model` takes it in this folder: that of a run in `runs/` by the run's name. A word for the shell. */
export function modelWord(folder: string): string {
  const run = dirname(resolve(folder))
  if (basename(folder) === 'model' && isNamed(basename(run), run)) return shellWord(basename(run))
  return shellWord(modelName(folder))
}

/** A command that goes on with a model, with the settings of a file. */
export const withConfig = (command: 'zero' | 'eval', config: string, model: string): string =>
  `${command} --config ${shellWord(config)} --model ${modelWord(model)}`

/** The name of an embedded model, the GGUF file that was converted to a folder, or a model's folder as a path from here. */
export function modelName(folder: string): string {
  const name = basename(folder)
  return join(packageRoot(), 'models', name) === folder
    ? name
    : (convertedFrom(folder) ?? pathFromHere(folder))
}

/** What is read or trained, in few words: a folder or file as a path from here; the name of a task or dataset as it is. */
export const sourceName = (source: string): string => (isAbsolute(source) ? modelName(source) : source)

/** Does this name mean this run, rather than a folder here or an embedded model? */
const isNamed = (name: string, directory: string): boolean =>
  resolve('runs', name) === directory && !existsSync(name) && !existsSync(join(packageRoot(), 'models', name))

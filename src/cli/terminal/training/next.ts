import { basename, dirname, relative, resolve } from 'node:path'
import { shellWord } from '../../../common/shell.ts'

/**
 * The command that continues with the model of a run and the settings file that the run was started with; null if there is
 * no such file. A run in `runs/` is called by its name.
 */
export function nextCommand(
  command: 'zero' | 'eval',
  config: string | undefined,
  { run }: { readonly run: string },
): string | null {
  if (config === undefined) return null
  const name = dirname(resolve(run)) === resolve('runs') ? basename(run) : relative('.', run)
  return `npx ruminate ${command} --config ${shellWord(config)} --model ${shellWord(name)}`
}

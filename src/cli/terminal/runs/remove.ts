import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { UserError } from '../../../common/errors.ts'
import { pathFromHere } from '../../../common/files/paths.ts'
import { plural } from '../../../common/words.ts'
import { type Deletable, deletable, deleteRun } from '../../../runs/delete-run.ts'
import { findRun } from '../../../runs/find-run.ts'
import { type Output, table } from '../output.ts'
import { statusOf, withStage } from './show.ts'

/**
 * Deletes runs, after a question on the terminal or with `yes`. If one of them may not be deleted, none is.
 *
 * @returns the exit code: 1 if the answer is no.
 * @throws UserError if a name is not that of a run, a run may not be deleted, or there is no terminal to ask on.
 */
export async function removeRuns(
  output: Output,
  names: readonly string[],
  root: string,
  { yes }: { yes: boolean },
): Promise<0 | 1> {
  const directories = new Set(names.map((name) => exactRun(name, root)))
  const runs = [...directories].map(deletable)
  const list = table(
    runs.map((run) => [
      pathFromHere(run.directory),
      statusOf(withStage(run)),
      plural(run.files, 'file'),
      size(run),
    ]),
  )
  if (!yes) {
    if (!process.stdin.isTTY)
      throw new UserError('runs are not deleted without asking: run this in a terminal, or give --yes', 2)
    process.stderr.write(`${list}\n`)
    if (
      !(await confirmed(
        `delete ${runs.length === 1 ? 'this run' : `these ${runs.length} runs`}, with all models and checkpoints in it?`,
      ))
    )
      return 1
  }
  for (const run of runs) {
    deleteRun(run)
    output.emit({ type: 'deleted', run: run.directory, files: run.files, bytes: run.bytes })
    output.say(`deleted ${pathFromHere(run.directory)} (${size(run)})`)
  }
  return 0
}

/** The folder of the run with exactly this name or path: the path of one of its models does not mean the run here. */
function exactRun(name: string, root: string): string {
  const directory = findRun(name, root)
  if (directory !== resolve(name) && directory !== resolve(root, name))
    throw new UserError(
      `${name} is not a run but a folder of one; to delete the run, name ${pathFromHere(directory)}`,
    )
  return directory
}

/** Asks on the terminal; Ctrl-C and Ctrl-D mean no. */
function confirmed(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  return new Promise((resolve) => {
    let answered = false
    lines.on('close', () => {
      if (!answered) process.stderr.write('\n')
      resolve(false)
    })
    lines.question(`${question} [y/N] `, (answer) => {
      answered = true
      resolve(/^y(es)?$/i.test(answer.trim()))
      lines.close()
    })
  })
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB']

/** 1234567 → "1.2 MB". */
function size({ bytes }: Deletable): string {
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  const value = bytes / 1000 ** unit
  return `${unit === 0 ? value : value.toPrecision(value < 10 ? 2 : 3)} ${UNITS[unit]}`
}

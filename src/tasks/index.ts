import { UserError } from '../errors.ts'
import { countdown } from './countdown.ts'
import { gsm8k } from './gsm8k.ts'
import { miniature, miniatureArithmetic, miniatureFill } from './miniature/index.ts'
import type { Task } from './task.ts'

/** The tasks that need no file. */
export const TASKS: readonly Task[] = [miniature, miniatureArithmetic, miniatureFill, countdown]

/**
 * The task of a name: one of `TASKS`, `gsm8k:FILE`, or a `.jsonl` file with the columns `question` and `answer`.
 *
 * @throws UserError (exit code 2) for an unknown name; UserError for a file that is not usable.
 */
export function loadTask(name: string, { file }: { file?: string } = {}): Task {
  const task = TASKS.find((t) => t.name === name)
  if (task) return task
  if (name.startsWith('gsm8k:') && name.length > 'gsm8k:'.length) return gsm8k(name.slice('gsm8k:'.length))
  if (name === 'gsm8k' && file) return gsm8k(file)
  if (name.endsWith('.jsonl')) return gsm8k(name)
  const names = [...TASKS.map((t) => t.name), 'gsm8k:FILE', 'FILE.jsonl'].join(', ')
  const what =
    name === 'gsm8k' || name === 'gsm8k:' ? 'The task gsm8k needs a file' : `Unknown task "${name}"`
  throw new UserError(`${what}. Tasks: ${names}`, 2)
}

import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { UserError } from '../common/errors.ts'
import { nearest } from '../common/nearest.ts'
import { warner } from '../common/warnings.ts'
import { readHubName } from '../hub/index.ts'
import { BENCHMARKS, TASKS } from './registry.ts'
import { programs } from './rules/programs.ts'
import { equality, noGold } from './rules/rules.ts'
import { HELD_OUT_SHARE } from './split.ts'
import { ColumnMap, type Columns } from './table/columns.ts'
import { type TableFile, tableFiles } from './table/files.ts'
import { readerOf } from './table/formats/readers.ts'
import { GeneralColumns } from './table/general-columns.ts'
import { type Issue, Issues } from './table/issues.ts'
import { readTable, type Table, type TableOptions } from './table/table.ts'
import type { Task } from './task.ts'

export interface LoadOptions {
  /** The columns of a table by what they hold, if they are not named `question` and `answer`. */
  readonly columns?: Columns | undefined
  /** Share of a table's questions that is held out if the files' names do not say which: see `Split`. */
  readonly heldOutShare?: number | undefined
  /** Read how the answers are found, too, for `solved`? */
  readonly solutions?: boolean | undefined
  /** Called with a message for each kind of problem in the table. By default they are Node's warnings. */
  readonly warn?: ((message: string) => void) | undefined
  /** Called with lines that say what is being done. */
  readonly progress?: ((line: string) => void) | undefined
}

/**
 * Loads a task by its name: one of `TASKS`; a benchmark, from the Hugging Face hub or from local files (`gsm8k:DIR`); or a
 * table: a file (JSONL, CSV, Parquet), a folder of such files, or a dataset of the hub (`owner/name`).
 *
 * @throws UserError for an unknown name (exit code 2) or a table that cannot be used.
 */
export async function loadTask(name: string, options: LoadOptions = {}): Promise<Task> {
  const task = TASKS.find((t) => t.name === name)
  if (!task) return loadTable(name, options)
  if (Object.keys(options.columns ?? {}).length > 0)
    throw new UserError(`the task ${name} is not a table, so it has no columns to name`, 2)
  return task
}

/**
 * Loads a task of general prompts, whose answers no rule checks: one of `TASKS`, or a table with a column of prompts
 * (`question`, `prompt`). Its answers (`answer`, `completion`, …), if it has any, are demonstrations. A `kind` that begins
 * with "harmful" marks a request to refuse.
 *
 * @throws UserError for an unknown name (exit code 2) or a table that cannot be used.
 */
export async function loadGeneral(
  name: string,
  { heldOutShare = HELD_OUT_SHARE, warn = warner(), progress = () => {} }: Omit<LoadOptions, 'columns'> = {},
): Promise<Task> {
  const task = TASKS.find((t) => t.name === name)
  if (task) return task
  requirePlace(name)
  return readReporting(name, await tableFiles(name, { warn, progress }), {
    name: tableName(name),
    description: `the prompts of ${name}`,
    rows: new GeneralColumns(),
    kindOf: (kind) => kind ?? 'general',
    heldOutShare,
    rule: noGold,
    answers: 'demonstrations',
    warn,
    progress,
  })
}

/** Loads a benchmark or a table; `onIssue` is called for every problem with a row. */
export async function loadTable(
  name: string,
  {
    columns = {},
    heldOutShare = HELD_OUT_SHARE,
    solutions = false,
    warn = warner(),
    progress = () => {},
    onIssue,
  }: LoadOptions & { readonly onIssue?: ((issue: Issue) => void) | undefined } = {},
): Promise<Table> {
  const colon = name.indexOf(':')
  const benchmark = BENCHMARKS.find((b) => b.name === (colon < 0 ? name : name.slice(0, colon)))
  const place = benchmark ? (colon < 0 ? benchmark.dataset : name.slice(colon + 1)) : name
  if (!benchmark) requirePlace(place)
  const mapped = { ...benchmark?.columns, ...columns }
  const task = benchmark?.name ?? tableName(place)
  const rule = mapped.tests !== undefined ? programs : mapped.answer === null ? noGold : equality
  return readReporting(name, await tableFiles(place, { warn, progress }), {
    name: task,
    description: benchmark?.description ?? `the questions of ${place}`,
    rows: new ColumnMap(mapped, { solutions }),
    kindOf: (kind) => (kind === null ? task : `${task}/${kind}`),
    heldOutShare,
    rule,
    answers: solutions && rule.goldIsAnswer ? 'solved' : 'none',
    evaluationOnly: benchmark?.evaluationOnly,
    warn,
    progress,
    onIssue,
  })
}

/** Reads a table, and warns of each kind of problem with its rows. */
async function readReporting(
  name: string,
  files: readonly TableFile[],
  {
    warn,
    onIssue,
    ...options
  }: Omit<TableOptions, 'onIssue'> & {
    readonly warn: (message: string) => void
    readonly onIssue?: ((issue: Issue) => void) | undefined
  },
): Promise<Table> {
  const issues = new Issues()
  const table = await readTable(files, {
    ...options,
    onIssue: (issue) => {
      issues.add(issue)
      onIssue?.(issue)
    },
  })
  for (const paragraph of issues.paragraphs()) warn(`${name}: ${paragraph}`)
  return table
}

const tableName = (place: string): string => basename(place).replace(/\.\w+$/, '')

/** @throws UserError if this can be neither a file, a folder nor a dataset. */
function requirePlace(place: string): void {
  if (!existsSync(place) && !readerOf(place) && !readHubName(place)) throw unknown(place)
}

function unknown(name: string): UserError {
  const names = [...TASKS, ...BENCHMARKS].map((task) => task.name)
  const near = nearest(name, names)
  return new UserError(
    `unknown task "${name}"${near ? `; did you mean ${near}?` : '.'} Tasks: ${names.join(', ')}, a file (.jsonl, .csv, .parquet), a folder, or a dataset of the hub (owner/name)`,
    2,
  )
}

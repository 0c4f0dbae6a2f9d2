import { UserError } from '../common/errors.ts'
import { BENCHMARKS, loadTable, TASKS } from '../tasks/index.ts'
import type { Columns } from '../tasks/table/columns.ts'
import { type Guess, guessColumns, readColumns } from '../tasks/table/guess.ts'
import type { Issue } from '../tasks/table/issues.ts'
import type { Table } from '../tasks/table/table.ts'
import type { Solved } from '../tasks/task.ts'

/** What is in a table, and what was read as what. */
export interface TableReport {
  readonly file: string
  readonly columns: Columns
  /** Columns that were taken for a role whose name they do not have. */
  readonly guesses: readonly Guess[]
  /** Columns that are not read. */
  readonly unused: readonly string[]
  readonly rows: number
  readonly training: number
  readonly heldOut: number
  /** Share of the questions that is held out; null if the names of the files decide. */
  readonly share: number | null
  /** Rows in question, by kind of problem, and in words. */
  readonly issues: Readonly<Record<Issue['kind'], number>>
  readonly problems: readonly string[]
  /** Are the rows conversations, with the answers as messages and without a gold? */
  readonly conversations: boolean
  /** Do the rows have gold answers? */
  readonly answers: boolean
  /** Share of the rows that say how the answer is found, and of the golds that are sentences. */
  readonly solutions: number
  readonly prose: number
  /** The first training question. */
  readonly first: { readonly question: string; readonly gold: string; readonly thinking: string | null }
}

interface Reading {
  readonly columns: Columns
  readonly progress: (line: string) => void
}

/** Most training rows whose answers are looked at. */
const MOST_ROWS = 2000

/**
 * Reads a table, guesses which of its columns hold what, and decides which share of it is held out.
 *
 * @throws UserError for a table that cannot be used.
 */
export async function surveyTable(
  file: string,
  { columns: given, progress }: Reading,
): Promise<{ table: Table; report: TableReport; solved: readonly Solved[] }> {
  const made = TASKS.find(({ name }) => name === file)
  if (made)
    throw new UserError(
      `the task ${file} makes its own questions and needs no settings file: \`ruminate zero --task ${file}\``,
      2,
    )
  const benchmark = BENCHMARKS.some(({ name }) => name === file.split(':')[0])
  const problems: string[] = []
  const warn = (message: string): void => void problems.push(message)
  const { names, sides } = benchmark
    ? { names: [], sides: true }
    : await readColumns(file, { warn: () => {}, progress })
  const guessed = guessColumns(names, given)
  const { guesses } = guessed
  const conversations = isConversation(names, guessed.columns)
  const columns = conversations ? { ...guessed.columns, answer: null } : guessed.columns
  const issues = { torn: 0, unreadable: 0, duplicate: 0, overlap: 0 }
  const read = (heldOutShare: number | undefined): Promise<Table> => {
    problems.length = 0
    issues.torn = issues.unreadable = issues.duplicate = issues.overlap = 0
    return loadTable(file, {
      columns,
      heldOutShare,
      solutions: true,
      progress,
      warn: (message) => warn(message.replace(`${file}: `, '')),
      onIssue: ({ kind }) => void issues[kind]++,
    })
  }

  let table = await read(undefined)
  let share: number | null = null
  const questions = table.size.training + table.size.heldOut
  if (!sides && questions > 1) {
    share = heldOutShare(questions)
    table = await read(share)
    const wanted = share * questions
    if (questions < SMALL_TABLE && Math.abs(table.size.heldOut - wanted) > wanted / 10 + 1) {
      share = await nearestShare(wanted, async (one) => (await read(one)).size.heldOut)
      table = await read(share)
    }
  }
  const first = table.training({ seed: 0, step: 0, count: 1 })[0]!
  const solved = table.solved?.({ side: 'training', seed: 0, count: MOST_ROWS }) ?? []
  const shareOf = (test: (one: Solved) => boolean): number =>
    solved.length === 0 ? 0 : solved.filter(test).length / solved.length
  // without a column for the question, verl's are read
  const readable = columns.question === undefined && names.includes('reward_model') ? VERL : columns
  const used = Object.values(readable).flatMap((name) =>
    [name].flat().flatMap((one) => [one, one?.split('.')[0]]),
  )
  return {
    table,
    solved,
    report: {
      file,
      columns,
      guesses,
      unused: names.filter((name) => !used.includes(name)),
      rows: table.size.rows,
      training: table.size.training,
      heldOut: table.size.heldOut,
      share,
      issues,
      problems,
      conversations,
      answers: columns.answer !== null,
      // the line of the right choice, which a table of choices gives by itself, is no worked solution
      solutions: shareOf(
        ({ thinking, question }) => thinking !== null && !question.prompt.split('\n').includes(thinking),
      ),
      prose: shareOf(({ answer }) => isProse(answer)),
      first: {
        question: first.prompt,
        gold: first.gold,
        thinking: solved.find(({ question }) => question.id === first.id)?.thinking ?? null,
      },
    },
  }
}

/** verl's columns, which are known by their names. */
const VERL: Columns = { question: 'prompt', answer: 'reward_model.ground_truth' }

/** Lists of messages with the answers among them, like rows of fine-tuning data. */
const CONVERSATIONS = ['messages', 'conversations']

/** Is the question a whole conversation, and is there no column for the answer? */
function isConversation(names: readonly string[], { question, answer }: Columns): boolean {
  return (
    question !== undefined &&
    CONVERSATIONS.includes(question) &&
    answer === undefined &&
    !names.includes('answer')
  )
}

/** With fewer questions than this, chance may hold out far more or fewer than are meant. */
const SMALL_TABLE = 300

/** Least and greatest share of a small table that may be held out, in percent. */
const PERCENT = { least: 1, greatest: 50 }

/**
 * The share with which about the wanted number of questions is held out. Which ones are is decided by their hashes, and of
 * few questions chance may take far more or fewer than the share says; a greater share never takes fewer.
 */
async function nearestShare(wanted: number, heldOut: (share: number) => Promise<number>): Promise<number> {
  let { least: low, greatest: high } = PERCENT
  let best = { share: 0, miss: Infinity }
  while (low <= high) {
    const middle = Math.floor((low + high) / 2)
    const count = await heldOut(middle / 100)
    const miss = Math.abs(count - wanted)
    if (miss < best.miss) best = { share: middle / 100, miss }
    if (count < wanted) low = middle + 1
    else high = middle - 1
  }
  return best.share
}

/** Rows that are held out of a table of medium size, and the shares of small and of large tables. */
const MEDIUM = 30
const SHARE = { small: 0.25, large: 0.1 }

/** The share of a table that is held out: a quarter of a small one, a tenth of a large one, about 30 rows in between. */
export function heldOutShare(questions: number): number {
  const share = Math.max(Math.min(SHARE.small, MEDIUM / questions), SHARE.large)
  return rounded(share)
}

const rounded = (share: number): number => Math.round(100 * share) / 100

/** Words of the longest short answer, such as "New York City" or "3 May 2020 at noon". */
const LONGEST_ANSWER = 5

/**
 * Is the gold a sentence or a text, rather than a number, a formula, a name or another short answer? Then the same answer
 * in other words is not recognised.
 */
export function isProse(gold: string): boolean {
  const words = gold.match(/\p{L}{2,}/gu) ?? []
  const ideographs = gold.match(/\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}/gu) ?? []
  return (
    (words.length > LONGEST_ANSWER || ideographs.length > 2 * LONGEST_ANSWER) && !/\\\w|[=^_{}]/.test(gold)
  )
}

import { UserError } from '../../common/errors.ts'
import { Random } from '../../common/random.ts'
import type { Rule } from '../rules.ts'
import type { Task } from '../task.ts'
import type { Columns } from './columns.ts'
import type { TableFile } from './files.ts'
import type { Issue } from './issues.ts'
import type { Lengths } from './lengths.ts'
import { OverlapIndex } from './overlap.ts'
import { type Questions, readQuestions } from './read.ts'

/** A task whose questions are the rows of a table. */
export interface Table extends Task {
  readonly size: { readonly rows: number; readonly training: number; readonly heldOut: number }
  /** In characters; null where there are none. */
  readonly lengths: { readonly question: Lengths | null; readonly gold: Lengths | null }
  /** How many held-out questions were looked for, in part, among the training questions. */
  readonly compared: number
}

export interface TableOptions {
  readonly name: string
  readonly description: string
  readonly columns: Columns
  readonly rule: Rule
  /** Its questions are for evaluation, all of them, whatever the files are called. */
  readonly evaluationOnly?: boolean | undefined
  readonly onIssue: (issue: Issue) => void
  readonly progress: (line: string) => void
}

/**
 * The questions of files as a task. Nothing is dropped in silence: `onIssue` is told of every row that is left out, and
 * of training questions that share words with held-out ones.
 *
 * @throws UserError for files that cannot be used.
 */
export async function readTable(
  files: readonly TableFile[],
  { name, description, columns, rule, evaluationOnly = false, onIssue, progress }: TableOptions,
): Promise<Table> {
  const questions = await readQuestions(
    evaluationOnly ? files.map((file) => ({ ...file, side: 'heldOut' as const })) : files,
    { name, columns, unreadable: rule.unreadable, onIssue, progress },
  )
  const [training, heldOut] = [questions.on('training'), questions.on('heldOut')]
  const ordered = heldOutOrder(questions, heldOut)
  const compared = reportOverlap(questions, training, ordered(0), onIssue, progress)

  // One shuffle an epoch; the last one is kept.
  let shuffled = { key: '', indices: training }
  const epochOf = (seed: number, epoch: number): Uint32Array => {
    const key = `${seed} ${epoch}`
    if (shuffled.key !== key)
      shuffled = { key, indices: new Random(seed, 'table training', epoch).shuffle(training.slice()) }
    return shuffled.indices
  }
  return {
    name,
    description,
    language: 'en',
    size: { rows: questions.rows, training: training.length, heldOut: heldOut.length },
    lengths: {
      question: questions.lengths.question.summary(),
      gold: questions.lengths.gold.summary(),
    },
    compared,
    training: ({ seed, step, count }) => {
      if (training.length === 0)
        throw new UserError(`${name} has no training questions: all ${questions.count} are for evaluation`)
      return Array.from({ length: count }, (_, i) => {
        const at = step * count + i
        return questions.at(epochOf(seed, Math.floor(at / training.length))[at % training.length]!)
      })
    },
    heldOut: ({ count, seed = 0 }) => {
      if (heldOut.length === 0)
        throw new UserError(`${name} has no held-out questions: it has ${questions.count} in all`)
      return ordered(seed)
        .slice(0, count)
        .map((index) => questions.at(index))
    },
    check: rule.check,
  }
}

/** Held-out questions in the order in which they are asked: kind by kind in turn, each shuffled. */
function heldOutOrder(questions: Questions, heldOut: Uint32Array): (seed: number) => readonly number[] {
  const kinds = new Map<string, number[]>()
  for (const index of heldOut) {
    const { kind } = questions.at(index)
    const there = kinds.get(kind)
    if (there) there.push(index)
    else kinds.set(kind, [index])
  }
  return (seed) => {
    let piles = [...kinds].map(([kind, indices]) =>
      new Random(seed, 'table held out', kind).shuffle([...indices]),
    )
    const order: number[] = []
    for (let turn = 0; piles.length > 0; turn++) {
      for (const pile of piles) order.push(pile[turn]!)
      piles = piles.filter((pile) => turn + 1 < pile.length)
    }
    return order
  }
}

/**
 * Reports training questions that share runs of words with held-out ones, these in the order in which they are asked as
 * far as memory allows. Returns how many of these there were.
 */
function reportOverlap(
  questions: Questions,
  training: Uint32Array,
  heldOut: readonly number[],
  onIssue: (issue: Issue) => void,
  progress: (line: string) => void,
): number {
  if (training.length === 0) return 0
  const index = new OverlapIndex()
  let compared = 0
  while (compared < heldOut.length && !index.full)
    index.add(heldOut[compared]!, questions.asked(heldOut[compared++]!))
  if (index.empty) return compared
  for (const [i, at] of training.entries()) {
    if (i % 10_000 === 0) progress(`looking for overlap: ${Math.floor((100 * i) / training.length)} %`)
    for (const { index: other, words } of index.find(questions.asked(at))) {
      const { id, prompt } = questions.at(at)
      const found = questions.at(other)
      onIssue({ kind: 'overlap', where: id, question: prompt, of: found.id, heldOut: found.prompt, words })
    }
  }
  return compared
}

import { UserError } from '../../common/errors.ts'
import { Random } from '../../common/random.ts'
import type { Rule } from '../rules/rules.ts'
import type { LeftOut, Task } from '../task.ts'
import type { RowReader } from './columns.ts'
import type { TableFile } from './files.ts'
import type { Issue } from './issues.ts'
import type { Lengths } from './lengths.ts'
import { findOverlap } from './overlap.ts'
import type { Questions } from './questions.ts'
import { readQuestions } from './read.ts'

/** A task whose questions are the rows of a table. */
export interface Table extends Task {
  readonly size: { readonly rows: number; readonly training: number; readonly heldOut: number }
  /** In characters; null if there are no questions, or no gold. */
  readonly lengths: { readonly question: Lengths | null; readonly gold: Lengths | null }
  /** Number of held-out questions that were compared with the training questions. */
  readonly compared: number
}

export interface TableOptions {
  readonly name: string
  readonly description: string
  readonly rows: RowReader
  /** The question's kind, of what the row says about it. */
  readonly kindOf: (kind: string | null) => string
  /** Share of the questions that is held out if the files' names do not say which. */
  readonly heldOutShare: number
  readonly rule: Rule
  /** What the answers are, besides what a response is checked against: with `solved`, or with `demonstrations`. */
  readonly answers: Asked['answers']
  /** All questions are for evaluation, whatever the names of the files. */
  readonly evaluationOnly?: boolean | undefined
  readonly onIssue: (issue: Issue) => void
  readonly progress: (line: string) => void
}

/**
 * Reads files of questions as a task. `onIssue` is called for every row that is left out, and for training questions that
 * share words with held-out ones.
 *
 * @throws UserError for files that cannot be used.
 */
export async function readTable(
  files: readonly TableFile[],
  { name, description, rule, answers, evaluationOnly = false, ...reading }: TableOptions,
): Promise<Table> {
  const questions = await readQuestions(
    evaluationOnly ? files.map((file) => ({ ...file, side: 'heldOut' as const })) : files,
    { unreadable: rule.unreadable, ...reading },
  )
  const { training, heldOut } = questions
  const ordered = heldOutOrder(questions)
  const compared = reportOverlap(questions, ordered(0), reading.onIssue, reading.progress)

  const task = drawingFrom(
    { name, description, language: 'en', check: rule.check },
    { questions, training, ordered, answers },
  )
  return {
    ...task,
    size: { rows: questions.rows, training: training.length, heldOut: heldOut.length },
    lengths: {
      question: questions.lengths.question.summary(),
      gold: questions.lengths.gold.summary(),
    },
    compared,
  }
}

/** The questions of a table that are asked. */
interface Asked {
  readonly questions: Questions
  /** Indices of the training questions. */
  readonly training: readonly number[]
  /** Indices of the held-out questions, in the order of a seed. */
  readonly ordered: (seed: number) => readonly number[]
  /** Can the answers be learned from: as they are found, as they are, or not at all? */
  readonly answers: 'solved' | 'demonstrations' | 'none'
}

/** Completes a task with questions drawn from a table. */
function drawingFrom(
  task: Pick<Task, 'name' | 'description' | 'language' | 'check'>,
  { questions, training, ordered, answers }: Asked,
): Task {
  const { name } = task
  const requireTraining = (): void => {
    if (training.length > 0) return
    const { count } = questions
    throw new UserError(
      `${name} has no training questions: ${count === 1 ? 'its only one is held out, and training needs others' : `all ${count} are for evaluation`}`,
    )
  }
  const requireHeldOut = (seed: number): readonly number[] => {
    const order = ordered(seed)
    if (order.length > 0) return order
    throw new UserError(
      `${name} has no held-out questions: it has ${questions.count} in all. Mend the rows that cannot be used, or set a higher share (eval.share, --held-out-share)`,
    )
  }
  // Each epoch has its own order; the order of the last epoch used is kept.
  let shuffled = { key: '', indices: training }
  const epochOf = (seed: number, epoch: number): readonly number[] => {
    const key = `${seed} ${epoch}`
    if (shuffled.key !== key)
      shuffled = { key, indices: new Random(seed, 'table training', epoch).shuffle(training.slice()) }
    return shuffled.indices
  }
  return {
    ...task,
    training: ({ seed, step, count }) => {
      requireTraining()
      return Array.from({ length: count }, (_, i) => {
        const at = step * count + i
        return questions.at(epochOf(seed, Math.floor(at / training.length))[at % training.length]!)
      })
    },
    heldOut: ({ count, seed = 0 }) => {
      return requireHeldOut(seed)
        .slice(0, count)
        .map((index) => questions.at(index))
    },
    ...(answers === 'solved' && {
      solved: ({ side, seed, count = Infinity }) => {
        requireTraining()
        const indices = side === 'training' ? training : requireHeldOut(seed)
        return indices.slice(0, count).map((index) => {
          const question = questions.at(index)
          return { question, thinking: questions.thinking(index), answer: question.gold }
        })
      },
    }),
    ...(answers === 'demonstrations' && {
      demonstrations: ({ seed, count }) => {
        requireTraining()
        const answered = epochOf(seed, 0)
          .map((index) => questions.at(index))
          .filter(({ gold }) => gold !== '')
        return answered
          .slice(0, count)
          .map((question) => ({ question, thinking: null, summary: question.gold }))
      },
    }),
    select: (fit, { sides, progress }) => {
      const select = (side: LeftOut['side']): Selected => {
        const indices = side === 'training' ? training : ordered(0)
        let first: string | null = null
        const kept = indices.filter((index, n) => {
          if (n % 10_000 === 0)
            progress(`checking the lengths of ${side} questions: ${Math.floor((100 * n) / indices.length)} %`)
          const question = questions.at(index)
          const reason = fit.isShort(question) ? null : fit.unfit(question)
          if (reason !== null) first ??= `${question.id}: ${reason}`
          return reason === null
        })
        return { side, of: indices.length, count: indices.length - kept.length, first, kept }
      }
      const heldOut = select('held-out')
      const train = sides.includes('training') ? select('training') : null
      const left = [...(train ? [train] : []), heldOut].map(
        ({ kept, ...counted }): LeftOut => ({ ...counted, remaining: kept.length }),
      )
      const asked = {
        questions,
        training: train?.kept ?? training,
        ordered: heldOut.count === 0 ? ordered : keeping(ordered, heldOut.kept),
        answers,
      }
      return { task: drawingFrom(task, asked), left }
    },
  }
}

/** The questions on one side that can be asked. */
interface Selected extends Omit<LeftOut, 'remaining'> {
  /** Their indices. */
  readonly kept: readonly number[]
}

/** The order of held-out questions, with only some of them. */
function keeping(
  ordered: (seed: number) => readonly number[],
  indices: readonly number[],
): (seed: number) => readonly number[] {
  const kept = new Set(indices)
  return (seed) => ordered(seed).filter((index) => kept.has(index))
}

/** Orders the held-out questions: each kind is shuffled, and kinds are interleaved. */
function heldOutOrder(questions: Questions): (seed: number) => readonly number[] {
  const kinds = new Map<string, number[]>()
  for (const index of questions.heldOut) {
    const { kind } = questions.at(index)
    const indices = kinds.get(kind)
    if (indices) indices.push(index)
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
 * Reports training questions that share runs of words with held-out ones, each with the closest. Returns the number of held-out questions
 * compared: the first ones in their order, as many as the index has room for.
 */
function reportOverlap(
  questions: Questions,
  heldOut: readonly number[],
  onIssue: (issue: Issue) => void,
  progress: (line: string) => void,
): number {
  const total = questions.training.length
  if (total === 0) return 0
  return findOverlap(
    texts(heldOut, questions),
    { texts: questions.trainingTexts(), count: total },
    (training, closest, words) => {
      const [{ id, prompt }, { id: of, prompt: heldOut }] = [questions.at(training), questions.at(closest)]
      onIssue({ kind: 'overlap', where: id, question: prompt, of, heldOut, words })
    },
    progress,
  )
}

function* texts(indices: readonly number[], questions: Questions): Generator<[index: number, text: string]> {
  for (const index of indices) yield [index, questions.text(index)]
}

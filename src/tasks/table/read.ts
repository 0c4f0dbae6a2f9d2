import { UserError } from '../../common/errors.ts'
import { questionKey, Split } from '../split.ts'
import type { Question } from '../task.ts'
import { ColumnMap, type Columns, type Draft } from './columns.ts'
import type { TableFile } from './files.ts'
import type { Issue } from './issues.ts'
import { Questions, type Repeated } from './questions.ts'
import { readerOf } from './readers.ts'

interface ReadOptions {
  /** The task's name, with which the name of every kind begins. */
  readonly name: string
  readonly columns: Columns
  /** Share of the questions that is held out if the files' names do not say which. */
  readonly heldOutShare: number
  /** Read how the answers are found, too? */
  readonly solutions: boolean
  /** The reason why no answer can be checked against this gold, or null. */
  readonly unreadable: (gold: string) => string | null
  readonly onIssue: (issue: Issue) => void
  readonly progress: (line: string) => void
}

/**
 * Reads the distinct questions of a table. Held-out files are read first, so that a question on both sides is left out
 * of training. Of files without a side, a part of the questions is held out: see `Split`.
 *
 * @throws UserError for a file that cannot be read, or a table without a usable row.
 */
export async function readQuestions(
  files: readonly TableFile[],
  { name, columns, heldOutShare, solutions, unreadable, onIssue, progress }: ReadOptions,
): Promise<Questions> {
  const questions = new Questions()
  const split = new Split(heldOutShare)
  const map = new ColumnMap(columns, { solutions })
  /** Held-out questions of rows that cannot be used, but perhaps by another command, with their places. */
  const unusable = new Map<string, string>()
  let firstReason = ''
  for (const file of [...files].sort((a, b) => Number(b.side === 'heldOut') - Number(a.side === 'heldOut'))) {
    const rows = readerOf(file.path)!(file.path, {
      need: (names) => map.need(file.name, names),
      onTorn: (line, reason) => onIssue({ kind: 'torn', where: `${file.name}:${line}`, reason }),
      onProgress: (share) => progress(`reading ${file.name}: ${Math.floor(100 * share)} %`),
    })
    for await (const { line, cells } of rows) {
      questions.rows++
      const where = `${file.name}:${line}`
      const asked = map.question(cells)
      const key = asked === null ? '' : questionKey(asked)
      const hash = asked === null ? 0 : split.add(key)
      const draft = map.read(cells)
      const reason = 'reason' in draft ? draft.reason : draft.gold === null ? null : unreadable(draft.gold)
      if (reason !== null) {
        if (firstReason === '') firstReason = `${where}: ${reason}`
        onIssue({ kind: 'unreadable', where, reason })
        if (file.side === 'heldOut' && asked !== null) unusable.set(key, where)
        continue
      }
      const of = file.side === 'training' ? unusable.get(key) : undefined
      if (of !== undefined) {
        onIssue({ kind: 'overlap', where, question: asked!, of, heldOut: asked!, words: null })
        continue
      }
      const { text, history, instruction, gold, kind, thinking } = draft as Draft
      const prompt = instruction === null ? text : `${text}\n\n${instruction}`
      const question: Question = {
        id: where,
        prompt,
        ...(history.length === 0 ? {} : { messages: [...history, { role: 'user', content: prompt }] }),
        gold: gold ?? '',
        kind: kind === null ? name : `${name}/${kind}`,
      }
      const place = file.side ?? hash
      const repeated = questions.add({ question, textLength: text.length, thinking, place })
      if (repeated) onIssue(repetition(question, repeated))
    }
  }
  const names = files.map((file) => file.name).join(', ')
  if (questions.rows === 0) throw new UserError(`there is no row in ${names}`)
  if (questions.count === 0) throw new UserError(`${names}: no usable question; the first: ${firstReason}`)
  questions.decide(split)
  return questions
}

function repetition(question: Question, { first, acrossSides }: Repeated): Issue {
  const places = { where: question.id, of: first.id }
  return acrossSides
    ? { kind: 'overlap', ...places, question: question.prompt, heldOut: first.prompt, words: null }
    : { kind: 'duplicate', ...places, sameGold: question.gold === first.gold }
}

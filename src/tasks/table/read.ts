import { UserError } from '../../common/errors.ts'
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
  /** The reason why no answer can be checked against this gold, or null. */
  readonly unreadable: (gold: string) => string | null
  readonly onIssue: (issue: Issue) => void
  readonly progress: (line: string) => void
}

/**
 * Reads the distinct questions of a table. Held-out files are read first, so that a question on both sides is left out
 * of training. Of files without a side, a tenth of the questions is held out, by a hash of the question.
 *
 * @throws UserError for a file that cannot be read, or a table without a usable row.
 */
export async function readQuestions(
  files: readonly TableFile[],
  { name, columns, unreadable, onIssue, progress }: ReadOptions,
): Promise<Questions> {
  const questions = new Questions()
  const map = new ColumnMap(columns)
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
      const draft = map.read(cells)
      const reason = 'reason' in draft ? draft.reason : draft.gold === null ? null : unreadable(draft.gold)
      if (reason !== null) {
        if (firstReason === '') firstReason = `${where}: ${reason}`
        onIssue({ kind: 'unreadable', where, reason })
        continue
      }
      const { text, history, instruction, gold, kind } = draft as Draft
      const prompt = instruction === null ? text : `${text}\n\n${instruction}`
      const question: Question = {
        id: where,
        prompt,
        ...(history.length === 0 ? {} : { messages: [...history, { role: 'user', content: prompt }] }),
        gold: gold ?? '',
        kind: kind === null ? name : `${name}/${kind}`,
      }
      const repeated = questions.add(question, text.length, file.side)
      if (repeated) onIssue(repetition(question, repeated))
    }
  }
  const names = files.map((file) => file.name).join(', ')
  if (questions.rows === 0) throw new UserError(`there is no row in ${names}`)
  if (questions.count === 0) throw new UserError(`${names}: no usable question; the first: ${firstReason}`)
  questions.split = files.every(({ side }) => side === null)
  if (questions.split) questions.holdOutOne()
  return questions
}

function repetition(question: Question, { first, on, wanted }: Repeated): Issue {
  const places = { where: question.id, of: first.id }
  return on === wanted
    ? { kind: 'duplicate', ...places, sameGold: question.gold === first.gold }
    : { kind: 'overlap', ...places, question: question.prompt, heldOut: first.prompt, words: null }
}

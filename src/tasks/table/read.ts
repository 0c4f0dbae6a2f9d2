import { UserError } from '../../common/errors.ts'
import { questionKey, Split } from '../split.ts'
import type { Question } from '../task.ts'
import type { Draft, RowReader } from './columns.ts'
import type { TableFile } from './files.ts'
import { readerOf } from './formats/readers.ts'
import type { Issue } from './issues.ts'
import { Questions } from './questions.ts'

interface ReadOptions {
  readonly rows: RowReader
  /** The question's kind, of what the row says about it. */
  readonly kindOf: (kind: string | null) => string
  /** Share of the questions that is held out if the files' names do not say which. */
  readonly heldOutShare: number
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
  { rows: map, kindOf, heldOutShare, unreadable, onIssue, progress }: ReadOptions,
): Promise<Questions> {
  const questions = new Questions()
  const split = new Split(heldOutShare)
  /**
   * What held-out files ask: also in rows that cannot be used, but perhaps by another command, and whatever the messages
   * before the question and the choices after it.
   */
  const heldOut = new Map<string, { readonly of: string; readonly text: string }>()
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
        if (file.side === 'heldOut' && asked !== null) heldOut.set(key, { of: where, text: asked })
        continue
      }
      const { text, history, instruction, gold, kind, thinking } = draft as Draft
      // a chat asks with its last message
      const last = history.length === 0 ? key : questionKey(text)
      const same = file.side === 'training' ? (heldOut.get(last) ?? heldOut.get(key)) : undefined
      if (same !== undefined) {
        onIssue({ kind: 'overlap', where, question: text, of: same.of, heldOut: same.text, words: null })
        continue
      }
      if (file.side === 'heldOut' && !heldOut.has(last)) heldOut.set(last, { of: where, text })
      const prompt = instruction === null ? text : `${text}\n\n${instruction}`
      const question: Question = {
        id: where,
        prompt,
        ...(history.length === 0 ? {} : { messages: [...history, { role: 'user', content: prompt }] }),
        gold: gold ?? '',
        kind: kindOf(kind),
      }
      const place = file.side ?? hash
      const first = questions.add({ question, textLength: text.length, thinking, place })
      if (first) onIssue({ kind: 'duplicate', where, of: first.id, sameGold: question.gold === first.gold })
    }
  }
  const names = files.map((file) => file.name).join(', ')
  if (questions.rows === 0) throw new UserError(`there is no row in ${names}`)
  if (questions.count === 0) throw new UserError(`${names}: no usable question; the first: ${firstReason}`)
  questions.decide(split)
  return questions
}

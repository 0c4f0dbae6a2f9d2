import pc from 'picocolors'
import { UserError } from '../../../common/errors.ts'
import { printable } from '../../../common/printable.ts'
import { plural } from '../../../common/words.ts'
import { describe } from '../../../evaluation/evaluate.ts'
import { type CellResult, readResults } from '../../../evaluation/results.ts'
import { rowsOf } from '../../../evaluation/rows.ts'
import { AnswerStore, type KeptAnswer } from '../../../evaluation/store/store.ts'
import type { Output } from '../output.ts'
import { wrap } from '../width.ts'

interface Shown {
  /** Only answers that are not right. */
  readonly wrong: boolean
  /** Only the question with this id, or whose id ends with this word. */
  readonly question: string | undefined
  /** Only the cell of this line of the table. */
  readonly line: number | undefined
}

/** Shows the answers of an evaluation in full, each with the verdict and its reason. */
export function showAnswers(output: Output, folder: string, { wrong, question, line }: Shown): void {
  const { cells } = readResults(folder)
  const shown = line === undefined ? cells : [cellAt(folder, cells, line)]
  const ids = new Set(shown.flatMap(({ values }) => values.map(({ id }) => id)))
  const isAsked = (id: string): boolean => id === question || id.endsWith(` ${question}`)
  if (question !== undefined && ![...ids].some(isAsked))
    throw new UserError(
      `${folder} has no question ${question}; it has ${[...ids].slice(0, 5).join('; ')}${ids.size > 5 ? '; …' : ''}`,
      2,
    )
  const store = AnswerStore.read(folder)
  let count = 0
  try {
    for (const cell of shown)
      for (const { key, id } of cell.values) {
        if (question !== undefined && !isAsked(id)) continue
        for (const [i, of] of cell.keys.entries())
          for (const answer of store.answers(of, key).slice(0, cell.samples)) {
            if (wrong && answer.correct === true) continue
            count++
            showAnswer(output, cell, cell.seeds[i]!, answer)
          }
      }
  } finally {
    store.close()
  }
  if (count === 0) output.prose(wrong ? 'every answer is right' : 'there are no answers')
}

function cellAt(folder: string, cells: readonly CellResult[], line: number): CellResult {
  const rows = rowsOf(cells)
  const row = rows.find(({ number }) => number === line)
  if (row) return row.cell
  throw new UserError(`${folder} has no line ${line}: its table has ${plural(rows.length, 'line')}`, 2)
}

function showAnswer(output: Output, cell: CellResult, seed: number, answer: KeptAnswer): void {
  const { question, sample, correct, verdict, response } = answer
  const { reason, usage } = response.end
  const { completionTokens, thinkingTokens } = usage
  output.emit({
    type: 'answer',
    model: cell.model,
    task: cell.task,
    strategy: cell.strategy,
    budget: cell.budget,
    effort: cell.effort,
    seed,
    sample,
    question: question.id,
    kind: question.kind,
    prompt: question.prompt,
    gold: question.gold,
    thinking: response.thinking,
    response: response.answer,
    answer: answer.answer,
    correct,
    reason: verdict,
    end: reason,
    ...usage,
  })
  if (output.json) return
  const facts = [
    cell.model,
    describe(cell, cell.responses),
    `${question.id}, sample ${sample}${cell.seeds.length > 1 ? `, seed ${seed}` : ''}`,
    ...(question.kind === '' ? [] : [question.kind]),
    `${correct === null ? 'unknown' : correct ? pc.green('right') : pc.red('wrong')}: ${printable(verdict)}`,
    completionTokens === null ? 'tokens unknown' : plural(completionTokens, 'token'),
    ...(thinkingTokens === null ? [] : [`${thinkingTokens} of thinking`]),
    reason,
  ]
  const { width } = output
  const text = (content: string): string => wrap(printable(content.trim()), width)
  output.result(pc.bold(wrap(facts.join(' · '), width, 2)))
  output.result(pc.dim(text(`${question.prompt}\ngold: ${question.gold}`)))
  if (response.thinking !== null) output.result(pc.dim(text(`<think>\n${response.thinking}\n</think>`)))
  output.result(`${text(response.answer ?? '(no answer)')}\n`)
}

import { dirname } from 'node:path'
import { onDisk } from '../../common/files/disk.ts'
import { makeFolder, writeFileAtomically } from '../../common/files/files.ts'
import { wholeQuestion } from '../../rewards/question.ts'
import type { RolloutRow } from '../../runs/rows.ts'
import type { Demonstration } from '../../tasks/examples/demonstrations.ts'
import { type DataRow, responseOf } from './rows.ts'

/** Writes a file atomically and creates its folder. */
export function writeText(file: string, text: string): void {
  writeParts(file, [text])
}

/** Writes objects as JSON Lines. `ruminate sft --data` reads rows from `toDemonstration`. */
export function writeJsonLines(file: string, objects: readonly unknown[]): void {
  writeParts(
    file,
    objects.map((object) => `${JSON.stringify(object)}\n`),
  )
}

function writeParts(file: string, parts: Iterable<string>): void {
  onDisk('create', dirname(file), () => makeFolder(dirname(file)))
  writeFileAtomically(file, (append) => {
    for (const part of parts) append(Buffer.from(part))
  })
}

/** A kept row for fine-tuning, with its source, language, question, kind and gold answer. */
export function toDemonstration(row: DataRow): Demonstration & Record<string, unknown> {
  const { question, language, source, thinking, summary } = row
  return {
    messages: [
      ...(question.messages ?? [{ role: 'user', content: question.prompt }]),
      { role: 'assistant', content: responseOf(thinking, summary!) },
    ],
    source,
    language,
    question: question.id,
    kind: question.kind,
    gold: question.gold,
  }
}

/** A row for the run store, in the split `<stage>/<source>`. A rewritten row is preceded by its original. */
export function toRolloutRows(row: DataRow, stage: string): Omit<RolloutRow, 'step'>[] {
  const split = `${stage}/${row.source}`
  if (!row.original) return [storedRow(row, split)]
  return [storedRow(row.original, split), storedRow(row, `${split}/rewritten`)]
}

function storedRow(row: DataRow, split: string): Omit<RolloutRow, 'step'> {
  const {
    question,
    prompt,
    tokens,
    response,
    thinking,
    answer,
    logprobs,
    correct,
    reason,
    rejected,
    stopReason,
  } = row
  return {
    split,
    question: question.id,
    asked: wholeQuestion(question),
    kind: question.kind,
    gold: question.gold,
    prompt,
    tokens,
    text: response,
    thinking,
    answer,
    logprobs,
    rewards: rejected === null ? { kept: 1 } : { kept: 0, [rejected]: 1 },
    correct,
    reason,
    total: null,
    advantage: null,
    stopReason,
    length: tokens.length,
  }
}

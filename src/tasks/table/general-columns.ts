import { at, type Draft, exactText, type RowReader, readDraft, readQuestion } from './columns.ts'
import { missingColumns } from './missing.ts'

/** Names of columns, by what they hold, in the order in which they are looked for. */
const NAMES = {
  question: ['question', 'prompt', 'instruction'],
  answer: ['answer', 'completion', 'response', 'output'],
  kind: ['kind', 'category'],
}

/** Reads rows as general prompts, with an answer and a kind where the table has them. No rule checks these answers. */
export class GeneralColumns implements RowReader {
  #question = 'question'
  #answer: string | null = null
  #kind: string | null = null

  /** @throws UserError if no column holds the prompts. */
  need(path: string, names: readonly string[]): string[] {
    const first = (role: keyof typeof NAMES): string | null =>
      NAMES[role].find((name) => names.includes(name)) ?? null
    const question = first('question')
    if (question === null) {
      const wanted = [['question', 'question']] as const
      throw missingColumns(path, names, wanted, wanted)
    }
    this.#question = question
    this.#answer = first('answer')
    this.#kind = first('kind')
    return [question, this.#answer, this.#kind].filter((name) => name !== null)
  }

  question(cells: Readonly<Record<string, unknown>>): string | null {
    const draft = this.read(cells)
    return 'reason' in draft ? null : draft.text
  }

  read(cells: Readonly<Record<string, unknown>>): Draft | { readonly reason: string } {
    const text = (name: string | null): string | null => (name === null ? null : exactText(at(cells, name)))
    return readDraft(() => ({
      ...readQuestion(at(cells, this.#question), this.#question),
      instruction: null,
      gold: text(this.#answer),
      kind: text(this.#kind),
      thinking: null,
    }))
  }
}

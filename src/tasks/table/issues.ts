import { oneLine, plural } from '../../common/words.ts'

/** A problem with a row of a table. `where` and `of` are a file and line such as "train.jsonl:12". */
export type Issue =
  | { readonly kind: 'torn'; readonly where: string; readonly reason: string }
  | { readonly kind: 'unreadable'; readonly where: string; readonly reason: string }
  | { readonly kind: 'duplicate'; readonly where: string; readonly of: string; readonly sameGold: boolean }
  | {
      readonly kind: 'overlap'
      readonly where: string
      readonly question: string
      /** The held-out question that it repeats (`words` is null, and it is left out) or shares `words` words with. */
      readonly of: string
      readonly heldOut: string
      readonly words: number | null
    }

/** Number of issues shown of each kind. */
const SHOWN = 3

/** Counts issues, and describes the first ones of each kind. */
export class Issues {
  readonly counts: Record<Issue['kind'], number> = { torn: 0, unreadable: 0, duplicate: 0, overlap: 0 }
  readonly #first: Record<Issue['kind'], string[]> = { torn: [], unreadable: [], duplicate: [], overlap: [] }

  /** Counts an issue. */
  add(issue: Issue): void {
    const n = this.counts[issue.kind]++
    if (n < SHOWN) this.#first[issue.kind].push(describe(issue))
  }

  /** One paragraph for each kind of issue that was counted. */
  paragraphs(): string[] {
    const { unreadable, duplicate, overlap } = this.counts
    const headings: [Issue['kind'], string][] = [
      ['torn', 'the file is cut off; its last line is left out'],
      ['unreadable', `${rows(unreadable)} left out: no question, or a gold answer that cannot be checked`],
      ['duplicate', `${rows(duplicate)} left out: the question repeats an earlier one`],
      [
        'overlap',
        `${plural(overlap, 'training question repeats', 'training questions repeat')} a held-out one, or much of its wording`,
      ],
    ]
    return headings
      .filter(([kind]) => this.counts[kind] > 0)
      .map(([kind, heading]) => {
        const more = this.counts[kind] - this.#first[kind].length
        return [heading, ...this.#first[kind], ...(more > 0 ? [`… and ${more} more`] : [])].join('\n  ')
      })
  }
}

const rows = (n: number): string => plural(n, 'row is', 'rows are')

function describe(issue: Issue): string {
  const { kind, where } = issue
  if (kind === 'torn' || kind === 'unreadable') return `${where}: ${issue.reason}`
  if (kind === 'duplicate')
    return `${where} repeats the question of ${issue.of}${issue.sameGold ? '' : ', with another gold answer'}`
  const what =
    issue.words === null ? 'the same question, left out' : `${plural(issue.words, 'word')} in common`
  return `${where} and ${issue.of} (${what})\n    "${oneLine(issue.question, 90)}"\n    "${oneLine(issue.heldOut, 90)}"`
}

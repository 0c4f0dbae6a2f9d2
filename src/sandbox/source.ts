import type { Language } from './program.ts'

/** Labels of code blocks in each language: its names with any version ("Python3.11"), and names of files. */
const LABELS: Readonly<Record<Language, RegExp>> = {
  python: /^(?:i?python|pypy|py)[\d.]*$|\.py$/,
  javascript: /^(?:javascript|ecmascript|js|node(?:js)?|[cm]js)[\d.]*$|\.[cm]?js$/,
}
/** Labels that say nothing about the language. */
const NO_LABEL = /^(?:|code|program|solution)$/

/** The first line of a block: perhaps in a quotation or a list, then the fence, then its label and attributes. */
const OPENING = /^[\s>]*(?:(?:[-*+]|\d+[.)])\s+)?(`{3,}|~{3,})\s*(.*)$/
const CLOSING = /^[\s>]*(`{3,}|~{3,})\s*$/
/** `python`, `Python title="x"`, `{.python}`, `{python, echo=FALSE}`, `python:main.py`; but `title="x"` is no label. */
const LABEL = /^\{?\s*\.?([\w.+#-]*)(=?)/

/** What a program contains if it reads standard input. */
const READS = /\binput\s*\(|\bstdin\b|\bopen\s*\(\s*0|\bfileinput\b|\bos\.read\b|readFileSync|\breadline\b/

interface Block {
  readonly label: string
  readonly source: string
}

/**
 * The program in an answer, or `null` if there is none: the last complete one among its closed code blocks with a label of
 * the language, or else among those without a label. A block is complete if it defines `call` or, without a call, if it
 * reads input; if none is complete, the last block is taken. An answer without code blocks is itself the program.
 */
export function sourceIn(answer: string, language: Language, call: string | null): string | null {
  const { blocks, fences } = blocksIn(answer)
  if (fences === 0) return answer.trim() || null
  const labelled = blocks.filter(({ label }) => LABELS[language].test(label))
  const others = blocks.filter(({ label }) => NO_LABEL.test(label))
  const isComplete = ({ source }: Block) => (call === null ? READS.test(source) : defines(source, call))
  const chosen =
    labelled.findLast(isComplete) ?? others.findLast(isComplete) ?? labelled.at(-1) ?? others.at(-1)
  if (chosen) return chosen.source.trim() ? chosen.source : null
  return blocks.length === 0 ? looseSource(answer, language) : null
}

/** Fences in the middle of lines, as in "Here it is: ```python" or "print(5)```". */
const LOOSE = /```[ \t]*([\w.+#-]*)[^\n`]*\n([^`]*)```/g

/** The last program between fences that do not stand on lines of their own; `null` if there is none. */
function looseSource(answer: string, language: Language): string | null {
  const isProgram = (label: string) => LABELS[language].test(label) || NO_LABEL.test(label)
  const found = [...answer.matchAll(LOOSE)].findLast(([, label]) => isProgram(label!.toLowerCase()))
  const source = found?.[2] ?? ''
  return source.trim() ? source : null
}

/** Whether a source may define what is called: `f`, or `f` of `Solution`, or `f` of `A` for `A.f`. */
function defines(source: string, call: string): boolean {
  const name = call.split('.')[0]!
  return new RegExp(
    `\\b(?:def|class|function|const|let|var)\\s+(?:${name}|Solution)\\b|^${name}\\s*=`,
    'm',
  ).test(source)
}

/** The closed code blocks of a text, and how many fences there are. */
function blocksIn(text: string): { blocks: Block[]; fences: number } {
  const blocks: Block[] = []
  let fences = 0
  let open: { fence: string; label: string; quoted: boolean; lines: string[] } | null = null
  for (const line of text.split(/\r?\n/)) {
    const [, fence, info = ''] = OPENING.exec(line) ?? []
    // What follows a fence of backticks has no backticks; else it is code in the line.
    const isFence = fence !== undefined && !(fence[0] === '`' && info.includes('`'))
    if (isFence) fences++
    if (open === null) {
      if (isFence) {
        const [, label = '', isAttribute] = LABEL.exec(info)!
        open = {
          fence,
          label: isAttribute ? '' : label.toLowerCase(),
          quoted: line.trimStart().startsWith('>'),
          lines: [],
        }
      }
    } else if (CLOSING.exec(line)?.[1]?.startsWith(open.fence)) {
      blocks.push({ label: open.label, source: withoutIndent(open.lines) })
      open = null
    } else open.lines.push(open.quoted ? line.replace(/^\s*>\s?/, '') : line)
  }
  return { blocks, fences }
}

/** Lines without the white space that all of them begin with, as a block in a list has it. */
function withoutIndent(lines: readonly string[]): string {
  const indents = lines.filter((line) => line.trim()).map((line) => /^[ \t]*/.exec(line)![0])
  const common = indents.reduce((a, b) => {
    let n = 0
    while (n < a.length && a[n] === b[n]) n++
    return a.slice(0, n)
  }, indents[0] ?? '')
  return lines.map((line) => line.slice(line.startsWith(common) ? common.length : line.length)).join('\n')
}

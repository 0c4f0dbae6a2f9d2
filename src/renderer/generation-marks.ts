/** Noncharacters, which Unicode reserves for internal use by programs. */
const BEGIN = '\uFDD0'
const END = '\uFDD1'

/**
 * Makes a chat template print a mark where `{% generation %}` begins and another where it ends. White space is stripped
 * as in Transformers: a block removes the indentation before it and the line end after it (`lstrip_blocks`,
 * `trim_blocks`), which a print statement does not do by itself.
 */
export function markGeneration(template: string): string {
  const tag = /(?:^[ \t]+)?\{%(-?)\s*(end)?generation\s*(-?)%\}(?:\n(?:[ \t]+(?=\{[%#]))?)?/gm
  return template.replace(tag, (_, left: string, end: string | undefined, right: string) => {
    return `{{${left}'${end ? END : BEGIN}'${right}}}`
  })
}

/** A span of a rendered conversation. */
export interface ChatSpan {
  readonly text: string
  /** Whether the assistant wrote it. */
  readonly generated: boolean
}

/** Splits a rendered conversation at its marks. */
export function readMarks(marked: string): ChatSpan[] {
  return marked
    .split(/(?=\uFDD0)|\uFDD1/)
    .map((text) => ({ text: text.replaceAll(BEGIN, ''), generated: text.startsWith(BEGIN) }))
    .filter(({ text }) => text !== '')
}

/** Whether a text contains a mark. */
export const hasMark = (text: string): boolean => text.includes(BEGIN) || text.includes(END)

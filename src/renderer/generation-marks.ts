/** Noncharacters, which Unicode reserves for internal use by programs. */
export const BEGIN = '\uFDD0'
export const END = '\uFDD1'

/** Does a chat template mark the assistant's text with `{% generation %}`? */
export const marksGeneration = (template: string): boolean =>
  /\{%[-+]?\s*generation\s*[-+]?%\}/.test(template)

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

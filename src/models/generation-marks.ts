/** Noncharacters, which Unicode keeps for a program's own use. */
const BEGIN = '\uFDD0'
const END = '\uFDD1'

/**
 * A chat template that prints a mark where `{% generation %}` begins and one where it ends. White space is stripped as
 * Transformers has it: blocks take the indentation before them and the line end after them (`lstrip_blocks`,
 * `trim_blocks`), which printing does not.
 */
export function markGeneration(template: string): string {
  const tag = /(?:^[ \t]+)?\{%(-?)\s*(end)?generation\s*(-?)%\}(?:\n(?:[ \t]+(?=\{[%#]))?)?/gm
  return template.replace(tag, (_, left: string, end: string | undefined, right: string) => {
    return `{{${left}'${end ? END : BEGIN}'${right}}}`
  })
}

/** A part of a rendered conversation. */
export interface Part {
  readonly text: string
  /** Is it what the assistant wrote? */
  readonly generated: boolean
}

/** The parts between the marks. */
export function readMarks(marked: string): Part[] {
  return marked
    .split(/(?=\uFDD0)|\uFDD1/)
    .map((text) => ({ text: text.replaceAll(BEGIN, ''), generated: text.startsWith(BEGIN) }))
    .filter(({ text }) => text !== '')
}

/** Does a text hold what marks are made of? */
export const hasMark = (text: string): boolean => text.includes(BEGIN) || text.includes(END)

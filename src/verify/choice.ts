/** A letter of a multiple choice, with the text that stands after it. */
export interface Choice {
  readonly letters: string
  readonly rest: string
}

const PREFIX =
  /^(?:(?:the )?(?:correct |final |right )?(?:answer|option|choice)(?: is)?:? )?(?:\(([A-J])\)|([A-J])(?:[).:]|$))\s*(.*)$/is

/** Reads `B`, `(B)`, `B. 12`, `\text{(B)}`, `Option B`, `A, B and D`; `null`: no choice. */
export function choiceOf(source: string): Choice | null {
  const text = source
    .replace(/\\(?:text|math|mbox)[a-z]*\s*\{([^{}]*)\}/g, '$1')
    .replace(/\\(?:quad|qquad|[ ,;:!])/g, ' ')
    .replace(/[*$~]|[{}]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  const match = PREFIX.exec(text)
  if (match) {
    const rest = match[3]!.trim()
    const said = rest.replace(/^[.:)]\s*/, '').replace(/^(?:because|since|as) .*$/i, '')
    return { letters: (match[1] ?? match[2])!.toUpperCase(), rest: said }
  }
  if (/^[A-J](?:(?:,? and |[,;] ?)[A-J])+$/.test(text))
    return { letters: [...new Set(text.match(/\b[A-J]\b/g))].sort().join(''), rest: '' }
  if (/^[A-J]{2,6}$/.test(text) && /^(?:A?B?C?D?E?F?G?H?I?J?)$/.test(text)) return { letters: text, rest: '' }
  return null
}

/** Several letters, or words that take the choice back. */
export const isUndecided = (rest: string) =>
  /(?:^|[\s(/])(?:or|[A-J])(?=$|[\s).,:/?])/.test(rest) && !/^[A-J]?$/.test(rest)

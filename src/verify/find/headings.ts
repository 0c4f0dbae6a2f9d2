/** How the headings of a worked solution begin. */
const TITLE =
  /^[\W_]*(?:steps?|part|case|solution|conclusion|(?:final )?(?:answer|result|step|check|calculation)|explanation|summary|given|calculat\w+|methods?|approach|analysis|verif\w+|check\w*|reason\w*|understand\w*|problem|proof|notes?|find\w*|comput\w+|determin\w+|set\w*|identify\w*|add\w*|subtract\w*|multipl\w+|divid\w+|total|simplif\w+|solv\w+|substitut\w+|first|next|final|now|number|appl\w+|us(?:e|ing)|combin\w+|convert\w*|writ\w+|work\w*|interpret\w*|break\w*|overview|setup|key|list\w*|count\w*|compar\w+|evaluat\w+|putting|finally|therefore|thus|so)\b/i

/** Whether the text of a line that begins with # is the heading of what follows, and not an answer. */
const isTitle = (line: string, after: string) => after.trim() !== '' && TITLE.test(line)

/** The text after the last `####` that is not a heading; `null` if there is none. */
export function hashAnswer(text: string): string | null {
  for (let at = text.lastIndexOf('####'); at >= 0; at = at === 0 ? -1 : text.lastIndexOf('####', at - 1)) {
    const line = text.slice(at + 4).trimStart()
    const end = line.indexOf('\n')
    const content = end < 0 ? line : line.slice(0, end)
    const after = end < 0 ? '' : line.slice(end)
    if (!(isLineStart(text, at) && isTitle(content, after))) return content
  }
  return null
}

const isLineStart = (text: string, at: number) => /(?:^|\n)[ \t]*$/.test(text.slice(Math.max(0, at - 20), at))

const HEADING = /^[ \t]*#{1,6}[ \t]+(.*)$/

/** The text under the last heading under which there is a number, or else all of it: the numbers of headings are not answers. */
export function underHeadings(text: string): string {
  if (!text.includes('#')) return text
  const sections: string[][] = [[]]
  const lines = text.trimEnd().split('\n')
  for (const [k, line] of lines.entries()) {
    // A heading at the end has nothing under it.
    if (k < lines.length - 1 && TITLE.test(HEADING.exec(line)?.[1] ?? '=')) sections.push([])
    else sections.at(-1)!.push(line)
  }
  const written = sections.map((section) => section.join('\n'))
  return written.findLast((section) => /\d/.test(section)) ?? written.join('\n')
}

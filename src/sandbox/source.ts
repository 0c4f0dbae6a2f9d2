import type { Language } from './program.ts'

/** Labels of code blocks in each language. */
const LABELS: Readonly<Record<Language, readonly string[]>> = {
  python: ['python', 'python3', 'py'],
  javascript: ['javascript', 'js', 'node', 'mjs'],
}

/**
 * The program in an answer: its last closed code block with a label of the language, or else the last one without a label;
 * an answer without code blocks is itself the program. `null` if there is none.
 */
export function sourceIn(answer: string, language: Language): string | null {
  const blocks: { label: string; source: string }[] = []
  let open: { fence: string; label: string; lines: string[] } | null = null
  let fences = 0
  for (const line of answer.split('\n')) {
    const [, fence, label = ''] = /^(`{3,}|~{3,})[ \t]*([\w+-]*)$/.exec(line.trim()) ?? []
    if (fence) fences++
    if (open === null) {
      if (fence) open = { fence, label: label.toLowerCase(), lines: [] }
    } else if (fence?.startsWith(open.fence) && !label) {
      blocks.push({ label: open.label, source: open.lines.join('\n') })
      open = null
    } else open.lines.push(line)
  }
  if (fences === 0) return answer.trim() || null
  const last =
    blocks.findLast(({ label }) => LABELS[language].includes(label)) ??
    blocks.findLast(({ label }) => label === '')
  return last?.source.trim() ? last.source : null
}

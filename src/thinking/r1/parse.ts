import { isBlank } from './blank.ts'

/** The parts of a response in R1-Zero's format, trimmed; a missing part is `null`. */
export interface ParsedResponse {
  readonly thinking: string | null
  readonly answer: string | null
  /** Whether it is one think part, then one answer part, neither empty, with only white space around them. */
  readonly wellFormed: boolean
  /** Why it is not well formed, or `null` if it is. */
  readonly problem: string | null
}

const TAG = /<\/?(?:think|answer)>/g
const EXPECTED_TAGS = ['<think>', '</think>', '<answer>', '</answer>']

/**
 * Splits a response in R1-Zero's format into thinking and answer. `opened`: the prompt already ended with `<think>`.
 *
 * Thinking without an end tag runs up to the answer part or to the end. The answer is the last complete answer part after
 * the thinking; tags inside the thinking belong to the thinking.
 */
export function parseResponse(text: string, { opened = false }: { opened?: boolean } = {}): ParsedResponse {
  const whole = opened ? `<think>${text}` : text
  const problem = problemOf(whole)
  const start = whole.indexOf('<think>')
  let thinking: string | null = null
  let rest = whole
  if (start >= 0) {
    const from = start + '<think>'.length
    const close = whole.indexOf('</think>', from)
    const cut = close >= 0 ? close : whole.indexOf('<answer>', from)
    thinking = whole.slice(from, cut >= 0 ? cut : undefined).trim()
    rest = cut >= 0 ? whole.slice(cut) : ''
  }
  return { thinking, answer: lastAnswer(rest), wellFormed: problem === null, problem }
}

function lastAnswer(text: string): string | null {
  const end = text.lastIndexOf('</answer>')
  const start = end < 0 ? -1 : text.lastIndexOf('<answer>', end)
  return start < 0 ? null : text.slice(start + '<answer>'.length, end).trim()
}

function problemOf(text: string): string | null {
  const tags = [...text.matchAll(TAG)]
  for (const tag of EXPECTED_TAGS) {
    const n = tags.filter((t) => t[0] === tag).length
    if (n === 0) return `${tag} is missing`
    if (n > 1) return `${tag} appears ${n} times`
  }
  if (tags.some((t, i) => t[0] !== EXPECTED_TAGS[i]))
    return `tags are out of order: ${tags.map((t) => t[0]).join(' ')}`
  const at = (i: number) => tags[i]!.index
  if (text.slice(0, at(0)).trim()) return 'there is text before <think>'
  if (text.slice(at(1) + '</think>'.length, at(2)).trim())
    return 'there is text between </think> and <answer>'
  if (text.slice(at(3) + '</answer>'.length).trim()) return 'there is text after </answer>'
  if (isBlank(text.slice(at(0) + '<think>'.length, at(1)))) return 'the thinking is empty'
  if (isBlank(text.slice(at(2) + '<answer>'.length, at(3)))) return 'the answer is empty'
  return null
}

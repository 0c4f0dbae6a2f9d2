import { unitWord } from './terms/units.ts'

interface Box {
  readonly start: number
  readonly end: number
  readonly text: string
}

const MAX_BOXES = 40
const MAX_LENGTH = 4000
const NAMES = ['boxed', 'fbox', 'framebox'] as const

/** The content of the last \boxed{}, and of the boxes joined to it by "and", "or" or commas; `null` if there is none. */
export function boxedAnswer(text: string): string | null {
  const items: Box[] = []
  let from = text.length
  for (let k = 0; k < MAX_BOXES; k++) {
    const box = lastBox(text, from)
    if (!box) break
    from = box.start - 1
    const next = items[0]
    // a box around a box
    if (next && box.end >= next.end) items[0] = box
    else if (!next || joins(text.slice(box.end, next.start))) items.unshift(box)
    else break
    if (from < 0) break
  }
  if (items.length === 0) return null
  const [first, second] = items
  // \\boxed{5}\\boxed{cm}
  if (items.length === 2 && first!.end === second!.start - 1 && isUnit(first!.text, second!.text))
    return `${first!.text} ${second!.text}`
  return [...new Set(items.map((box) => box.text.trim()))].join(' ; ')
}

/** Whether a number and the words after it are a quantity. */
function isUnit(number: string, words: string): boolean {
  const word = /^\s*(?:\\(?:text|mathrm|textrm)\s*\{\s*)?([a-zA-Z]{1,20})(?:\^\{?[23]\}?)?\s*\}?\s*$/.exec(
    words,
  )?.[1]
  return /^[-\d.,\s]*\d\s*$/.test(number) && word !== undefined && unitWord(word) !== null
}

function lastBox(text: string, before: number): Box | null {
  if (before < 0) return null
  const [start, name] = NAMES.map((name): [number, string] => [text.lastIndexOf(name, before), name]).reduce(
    (a, b) => (b[0] > a[0] ? b : a),
  )
  if (start < 0) return null
  const [, space, next] = /^(\s*)(\S?)/.exec(text.slice(start + name.length, start + name.length + 20))!
  const open = start + name.length + space!.length
  if (next !== '{') {
    const token = /^\$?(-?[\w.]+)/.exec(text.slice(open, open + 40))?.[1] ?? ''
    const isCommand = text[start - 1] === '\\' && token !== ''
    return isCommand ? { start, end: open + token.length, text: token } : lastBox(text, start - 1)
  }
  let depth = 0
  const limit = Math.min(text.length, open + MAX_LENGTH)
  for (let i = open; i < limit; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '{') depth++
    else if (text[i] === '}' && --depth === 0) return { start, end: i + 1, text: text.slice(open + 1, i) }
  }
  const rest = text.slice(open + 1, limit)
  // The closing brace has a backslash by mistake.
  const escaped = rest.includes('\\{') ? -1 : rest.indexOf('\\}')
  return escaped < 0
    ? { start, end: limit, text: rest }
    : { start, end: open + escaped + 3, text: rest.slice(0, escaped) }
}

/** Whether the text between two boxes joins them into one answer. */
function joins(written: string): boolean {
  const between = written.replace(/[^\S\n]+/g, ' ')
  if (between.length > 80 || /[.!?:]\s|\n\s*\n|\*\*/.test(between)) return false
  const words = between
    .replace(/\\(?:text|mbox|quad|qquad|[()[\],;:! ]|$)/g, ' ')
    .replace(/\\+$|[{}$]/g, ' ')
    .trim()
  if (/^[\s\\]*$/.test(words)) return true
  if ((words.match(/[a-zA-Z]{2,}/g)?.length ?? 0) > 6) return false
  return /[,;&]|\b(?:and|or)\b/i.test(words) || /^[^a-zA-Z\d=]*$/.test(words)
}

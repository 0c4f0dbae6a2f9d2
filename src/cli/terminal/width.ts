import stringWidth from 'string-width'

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** The number of columns that a text takes on a terminal: 2 for Chinese characters and emoji, 0 for colours. */
export const displayWidth = (text: string): number =>
  /^[ -~]*$/.test(text) ? text.length : stringWidth(text)

/** A text, filled up with spaces on the right to `width` columns. */
export const padEnd = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - displayWidth(text)))

/** A text, filled up with spaces on the left to `width` columns. */
export const padStart = (text: string, width: number): string =>
  ' '.repeat(Math.max(0, width - displayWidth(text))) + text

/** The beginning of a text, at most `width` columns of it. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  return `${take(split(text), width - 1).join('')}…`.slice(0, Math.max(0, width))
}

/** The end of a text on one line, at most `width` columns of it. */
export function tail(text: string, width: number): string {
  const line = oneLine(text)
  if (displayWidth(line) <= width) return line
  return `…${take(split(line).reverse(), width - 1)
    .reverse()
    .join('')}`.slice(0, Math.max(0, width))
}

/** A text without its middle, at most `width` columns of it: its end may hold a count or the end of a path. */
export function shorten(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  const head = take(split(text), Math.floor(width / 3)).join('')
  return head + tail(text.slice(head.length), width - displayWidth(head))
}

/**
 * A text on one line: without control characters, which would move the cursor, and without the characters that join
 * emoji, whose width terminals do not agree on.
 */
export function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replace(/[\p{Cs}\p{Cf}\p{Emoji_Modifier}]/gu, '')
    .trim()
}

/**
 * Breaks the lines of a text that are wider than `width` columns, at spaces and between wide characters. Continuation
 * lines are indented like their line, and by `indent` more. What stands in backticks, and any word without a space, such
 * as a path, is never broken, since it may have to be copied; nor is a number from its %.
 */
export function wrap(text: string, width: number, indent = 0): string {
  return text
    .split('\n')
    .map((line) => (displayWidth(line) <= width ? line : wrapLine(line, width, indent)))
    .join('\n')
}

function wrapLine(line: string, width: number, indent: number): string {
  const margin = /^ */.exec(line)![0]
  const further = margin + ' '.repeat(indent)
  const lines: string[] = []
  let current = margin
  let used = margin.length
  let empty = true
  for (const [, space, word] of line.matchAll(/(\s*)((?:`[^`]*`|\S|(?<=\d) (?=%))+)/g))
    for (const [i, piece] of pieces(word!).entries()) {
      const gap = empty || i > 0 ? '' : space!
      const needed = gap.length + displayWidth(piece)
      if (!empty && used + needed > width) {
        lines.push(current)
        current = further + piece
        used = displayWidth(current)
      } else {
        current += gap + piece
        used += needed
      }
      empty = false
    }
  return [...lines, current].join('\n')
}

/** The parts of a word between which a line may be broken: after wide characters and before them. */
function pieces(word: string): string[] {
  if (word.includes('`') || displayWidth(word) === word.length) return [word]
  const parts: string[] = []
  let open = false
  for (const grapheme of split(word)) {
    const wide = displayWidth(grapheme) > 1
    if (open && !wide) parts[parts.length - 1] += grapheme
    else parts.push(grapheme)
    open = !wide || /^\p{P}/u.test(grapheme)
  }
  return parts
}

const split = (text: string): string[] => Array.from(graphemes.segment(text), ({ segment }) => segment)

/** The first characters that fit into `width` columns. */
function take(characters: readonly string[], width: number): string[] {
  let used = 0
  const end = characters.findIndex((character) => {
    used += displayWidth(character)
    return used > width
  })
  return end < 0 ? [...characters] : characters.slice(0, end)
}

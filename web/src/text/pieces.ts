import { REFLECTIVE_WORDS } from '../../../src/thinking/r1/reflection.ts'

/** A piece of a text: plain, a reflective word, or LaTeX. */
export type Piece =
  | { readonly kind: 'text' | 'reflective'; readonly text: string }
  | { readonly kind: 'math'; readonly text: string; readonly latex: string; readonly display: boolean }

/** The paper's ten words, and those with which the embedded models check themselves in Chinese. */
const REFLECTIVE = new RegExp(`\\b(?:${REFLECTIVE_WORDS.join('|')})\\b|检查|等等|错了`, 'gi')

/** LaTeX in its delimiters, or a box alone. A `$` before a space or a digit's end is money. */
const MATH =
  /\$\$([^$]+)\$\$|\\\[([\s\S]+?)\\\]|\\\(([\s\S]+?)\\\)|(?<![\\$\w])\$(?=[^\s$])([^$\n]*?[^\s$\\])\$(?![\w$])|(\\boxed\{(?:[^{}]|\{[^{}]*\})*\})/g

/** Splits a text into pieces that together are the text. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = []
  let end = 0
  for (const match of text.matchAll(MATH)) {
    found.push(...words(text.slice(end, match.index)))
    const [whole, block, bracket, parenthesis, dollar, boxed] = match
    const latex = block ?? bracket ?? parenthesis ?? dollar ?? boxed ?? ''
    found.push({ kind: 'math', text: whole, latex, display: block !== undefined || bracket !== undefined })
    end = match.index + whole.length
  }
  return [...found, ...words(text.slice(end))]
}

function words(text: string): Piece[] {
  const found: Piece[] = []
  let end = 0
  for (const match of text.matchAll(REFLECTIVE)) {
    if (match.index > end) found.push({ kind: 'text', text: text.slice(end, match.index) })
    found.push({ kind: 'reflective', text: match[0] })
    end = match.index + match[0].length
  }
  if (end < text.length) found.push({ kind: 'text', text: text.slice(end) })
  return found
}

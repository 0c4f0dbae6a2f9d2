/** Code, formulas, tags, addresses and numbers. Code and formulas that are never closed do not match. */
const NEUTRAL =
  /```[\s\S]*?```|~~~[\s\S]*?~~~|`[^`\n]*`|\$\$[\s\S]*?\$\$|\\\[(?:(?!\\\[)[\s\S])*?\\\]|\\\((?:(?!\\\()[\s\S])*?\\\)|\$[^$\n]*\$|\\[a-zA-Z]+|<\/?\w+>|https?:\/\/\S+|\d+(?:[.,]\d+)*/g

/** Words in the scripts of mathematics and of program languages: in code and formulas they are names. */
const NAMES = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Common}]+/gu
const COMMAND = /\\[a-zA-Z]+|\\./g
/** Consecutive words with only spaces and punctuation marks between them. */
const words = (least: number) =>
  new RegExp(`\\p{Script=Latin}{2,}(?:[ \\t,.;:!?'’-]+\\p{Script=Latin}+){${least - 1},}`, 'gu')
/** How many consecutive words make a sentence in a formula and in code, where keywords and names also follow each other. */
const SENTENCE = { formula: words(4), code: words(7) }

/**
 * A text without what belongs to no language: code, formulas, tags, addresses and numbers. Of code and formulas, sentences
 * and words in scripts that code and formulas do not use (such as Chinese) are kept, each on a line of its own.
 */
export const proseOf = (text: string): string =>
  text.replace(NEUTRAL, (part) => {
    const isCode = part[0] === '`' || part[0] === '~'
    if (!isCode && part[0] !== '$' && !/^\\[[(]/.test(part)) return ' '
    const inside = part.replace(COMMAND, ' ')
    const sentences = inside.match(isCode ? SENTENCE.code : SENTENCE.formula) ?? []
    const foreign = inside.replace(NAMES, ' ').trim()
    return [` ${foreign} `, ...sentences.map((sentence) => `${sentence}\n`)].join(
      sentences.length > 0 ? '\n' : '',
    )
  })

/** The ends of sentences: a line break, or a mark; a Western one is followed by white space. */
const END = /\n+|(?<=[.!?…])\s+|(?<=[。！？；])/

/** The sentences of a prose. */
export const sentencesOf = (prose: string): string[] => prose.split(END)

const ASCII = /^[\p{ASCII}]*$/u
const LATIN = /\p{Script=Latin}/u
const HAN = /\p{Script=Han}/u

/** Whether a text mixes languages: it has both Latin and Han characters in its prose. */
export function isMixed(text: string): boolean {
  if (ASCII.test(text)) return false
  const prose = proseOf(text)
  return LATIN.test(prose) && HAN.test(prose)
}

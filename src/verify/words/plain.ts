import { folded } from '../terms/things.ts'

/** Phrases with the same meaning. */
const SYNONYMS: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:there (?:is|are) )?no (?:real )?(?:such )?(?:solutions?|numbers?|values?)(?: exists?)?$|^(?:方程)?无(?:实数)?解$/,
    'no solution',
  ],
  [/^(?:does not exist|undefined|dne)$/, 'dne'],
  [/^(?:infinitely many|infinite)(?: solutions?)?$/, 'infinitely many'],
  [/^(?:all )?(?:real numbers|reals)$/, 'all real numbers'],
]

/** A number with its separators, a word, or a sign. */
const PIECE = /(?<![\p{L}\p{N}])[.,]\p{N}+|\p{N}+(?:[.,:]\p{N}+)*|\p{L}+(?:['’]\p{L}+)*|[^\s\p{L}\p{N}]/gu

const DAYS = 'monday tuesday wednesday thursday friday saturday sunday'.split(' ')
const WEEKDAY = /^(?:mon|tues?|wed|thu(?:rs?)?|fri)$/
const ORDINALS = 'first second third fourth fifth sixth seventh eighth ninth tenth'.split(' ')
/** In "third place", which is "3rd place". */
const ORDINAL = new RegExp(`^(?:${ORDINALS.join('|')})(?= [a-z])`)

/** The words and numbers of a text, without articles and the punctuation between words; '' if it does not consist of words. */
export function plain(source: string): string {
  if (/^(?:\\emptyset|\\varnothing|\\(?:left\\)?\{\s*\\(?:right\\)?\})$/.test(source.trim()))
    return 'no solution'
  const s = source
    .replace(/\\(?:text|mbox|hbox|math|operatorname|emph)[a-z]*\*?\s*(?=\{)/g, '')
    .replace(/\\(?:displaystyle|left|right|quad|qquad|bf|rm|it|[,;:! ])/g, ' ')
    .replace(/[{}$~"“”*`]/g, ' ')
  if (!/^[\p{L}\p{N}\s.,;:!?'’_-]+$/u.test(s) || !/\p{L}{2}|\p{Script=Han}/u.test(s)) return ''
  const pieces = [...s.matchAll(PIECE)]
  // Punctuation between words says nothing, but 6! and 3 : 2 do.
  const kept = pieces.flatMap(({ 0: piece, index }, k) => {
    const before = pieces[k - 1]?.[0] ?? ''
    const number = /^\p{N}/u.test(before)
    const means =
      piece === '!'
        ? (number || /^\p{L}$/u.test(before)) && /[\p{L}\p{N}]/u.test(s[index - 1]!)
        : piece === ':'
          ? number && k < pieces.length - 1
          : !/^[.,;?]$/.test(piece)
    return means ? [{ piece, index }] : []
  })
  const long = kept.filter(({ piece }) => /^\p{L}{2,}/u.test(piece)).length
  // In a sentence, a letter is a name: "increasing on R".
  const named = long >= 2 && !kept.some(({ piece }) => /^[\p{N}_]$/u.test(piece))
  const text = kept
    .map(({ piece, index }, k) => {
      const word = /^\p{L}/u.test(piece)
        ? named && piece.length === 1
          ? piece.toLowerCase()
          : folded(piece)
        : piece
      const before = kept[k - 1]
      // ln 5x is not ln5 x.
      return before && before.index + before.piece.length === index ? word : ` ${word}`
    })
    .join('')
    .replace(/(?<=\p{L}) ?- ?(?=\p{L})/gu, '-')
    .trimStart()
    .replace(/^(?:the|an?|on(?= \w+day$)) (?=\S)/, '')
    .replace(WEEKDAY, (day) => DAYS.find((name) => name.startsWith(day.slice(0, 3)))!)
    .replace(
      ORDINAL,
      (word) => `${ORDINALS.indexOf(word) + 1}${['st', 'nd', 'rd'][ORDINALS.indexOf(word)] ?? 'th'}`,
    )
  return SYNONYMS.find(([pattern]) => pattern.test(text))?.[1] ?? text
}

const TRUTH: Record<string, boolean> = {
  yes: true,
  no: false,
  true: true,
  false: false,
  ...Object.fromEntries('是 是的 对 对的 正确 是正确的 真'.split(' ').map((word) => [word, true])),
  ...Object.fromEntries(
    '否 不 不是 不对 不正确 错 错的 错误 是错误的 假'.split(' ').map((word) => [word, false]),
  ),
}

/** Whether a text is yes or no, true or false. */
export const isTruth = (source: string) => Object.hasOwn(TRUTH, plain(source))

/** Yes it is; no it isn't. */
const AGREES =
  /^\W*(?:(yes)\s+(?:it|this|that|they|he|she|there|we|you)\s+(?:is|are|does|do|can|will|has|have|was|were)|(no)\s+(?:it|this|that|they|he|she|there|we|you)\s+(?:\w+n['’]?t|cannot|(?:is|are|does|do|can|will|has|have|was|were)\s+not))\W*$/i

/** The value of yes, no, true or false, alone or followed by a comma or a reason; `null` if there is none or more than one. */
function truthOf(text: string): boolean | null {
  const word = plain(text)
  if (Object.hasOwn(TRUTH, word)) return TRUTH[word]!
  const s = text.replace(/\\(?:text|math|mbox)[a-z]*\s*\{([^{}]*)\}/g, '$1').replace(/[*$"'{}]/g, '')
  const head = /^\W*(yes|no|true|false)(?:\W*$|,|\s+(?:because|since|as)\b)/i.exec(s) ?? AGREES.exec(s)
  if (!head || /\b(?:yes|no|true|false|wait|or)\b/i.test(s.slice(head[0].length))) return null
  return TRUTH[(head[1] ?? head[2])!.toLowerCase()]!
}

/** Whether an answer is a question although the gold is not: "Tuesday?" */
export const asks = (gold: string, answer: string) => /[?？]\W*$/.test(answer) && !/[?？]/.test(gold)

/** Whether two texts have the same words and numbers. A gold of yes or no only equals such a word, alone or followed by a reason. */
export function sameText(gold: string, answer: string): boolean {
  const g = plain(gold)
  if (Object.hasOwn(TRUTH, g)) return truthOf(answer) === TRUTH[g]
  const a = plain(answer)
  if (g === '' || a === '' || asks(gold, answer)) return false
  // "base ball" is "baseball", but "ln 5x" is not "ln5 x".
  const joined = (s: string) => (/^\p{L}{3,}(?: \p{L}{3,})*$/u.test(s) ? s.replaceAll(' ', '') : s)
  return g === a || joined(g) === joined(a)
}

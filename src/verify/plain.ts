/** Phrases with the same meaning. */
const SYNONYMS: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:there (?:is|are) )?no (?:real )?(?:such )?(?:solutions?|numbers?|values?)(?: exists?)?$/,
    'no solution',
  ],
  [/^(?:does not exist|undefined|dne)$/, 'dne'],
  [/^(?:infinitely many|infinite)(?: solutions?)?$/, 'infinitely many'],
  [/^(?:all )?(?:real numbers|reals)$/, 'all real numbers'],
]

/** Words in lower case, without extra spaces, punctuation and articles; '' if the text does not consist of words. */
export function plain(source: string): string {
  if (/^(?:\\emptyset|\\varnothing|\\(?:left\\)?\{\s*\\(?:right\\)?\})$/.test(source.trim()))
    return 'no solution'
  const s = source
    .replace(/\\(?:text|mbox|hbox|math|operatorname|emph)[a-z]*\*?\s*(?=\{)/g, '')
    .replace(/\\(?:displaystyle|left|right|quad|qquad|bf|rm|it|[,;:! ])/g, ' ')
    .replace(/[{}$~"'“”*`_]/g, ' ')
    .replace(/(?:\s|[.,;:!?])+/g, ' ')
    .trim()
    .toLowerCase()
    .replace(/^(?:the|an?) (?=\S)/, '')
  if (!/^[\p{L}\p{N} -]+$/u.test(s) || !/\p{L}{2}/u.test(s)) return ''
  return SYNONYMS.find(([pattern]) => pattern.test(s))?.[1] ?? s
}

const TRUTH: Record<string, boolean> = { yes: true, no: false, true: true, false: false }

/** Whether a text is yes or no, true or false. */
export const isTruth = (source: string) => Object.hasOwn(TRUTH, plain(source))

/** Yes it is; no it isn't. */
const AGREES =
  /^\W*(?:(yes)\s+(?:it|this|that|they|he|she|there|we|you)\s+(?:is|are|does|do|can|will|has|have|was|were)|(no)\s+(?:it|this|that|they|he|she|there|we|you)\s+(?:\w+n['’]?t|cannot|(?:is|are|does|do|can|will|has|have|was|were)\s+not))\W*$/i

/** The value of yes, no, true or false, alone or followed by a comma or a reason; `null` if there is none or more than one. */
function truthOf(text: string): boolean | null {
  const s = text.replace(/\\(?:text|math|mbox)[a-z]*\s*\{([^{}]*)\}/g, '$1').replace(/[*$"'{}]/g, '')
  const head = /^\W*(yes|no|true|false)(?:\W*$|,|\s+(?:because|since|as)\b)/i.exec(s) ?? AGREES.exec(s)
  if (!head || /\b(?:yes|no|true|false|wait|or)\b/i.test(s.slice(head[0].length))) return null
  return TRUTH[(head[1] ?? head[2])!.toLowerCase()]!
}

/** Whether two texts have the same words. A gold of yes or no only equals such a word, alone or followed by a reason. */
export function sameText(gold: string, answer: string): boolean {
  const g = plain(gold)
  if (Object.hasOwn(TRUTH, g)) return truthOf(answer) === TRUTH[g]
  const a = plain(answer)
  if (g === '' || a === '') return false
  return g === a || g.replaceAll(' ', '') === a.replaceAll(' ', '')
}

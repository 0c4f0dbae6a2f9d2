/** Words after a number that make another number of it, or say that it is negative or not the answer. */
const CHANGING = new RegExp(
  `^(?:${[
    // multiples: 5 lakh, 5 grand
    'dozens?|scores?|grand|lakhs?|lacs?|crores?|gross|myriads?|googol(?:plex)?s?|tens|hundreds?|thousands?|mil|mille|bps?|basis|tausend|k',
    '(?:hundred|thousand|dozen)\\w+|\\w*(?:illions?|illiards?|illones|illionen|illiarden)',
    // operations: 5 prime, 5 squared
    'primes?|squares?|squared|cubes?|cubed|factorials?|roots?|doubled?|tripled?|halved|fold|minus|plus|negatives?|opposite|inverse|reciprocal|menos|moins',
    // below zero: 5 overdrawn
    'below|under|bis|beneath|short|overdrawn|overdraft|debts?|owed|owing|owes?|loss(?:es)?|lost|deficits?|behind|down|late|early|ago|before|decrease[ds]?|drops?|dropped|missing|lacking|withdrawn',
    // not this number: 5 or so
    'more|less|fewer|than|not|no|wrong|incorrect|false|over|above|approximately|about|around|almost|nearly|roughly|ish|maybe|perhaps|possibly|else|other|others|upwards?|onwards?|odd|some|something|etc',
  ].join('|')})$`,
  'i',
)

/** Parts: 5 twelfths, but not 5 third graders. */
const PART =
  /^(?:hal(?:f|ves)|thirds?|\w*(?:fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|teenth|tieth|hundredth|thousandth|illionth)s?|percent|percentage|permille|points?|tercios?|quintos?|d[eé]cimos?|tiers|cinqui[eè]mes?)$/i

/** Words that follow the name of a thing and leave the number as it is: 5 years old, 5 apples left. */
const AFTER = new RegExp(
  `^(?:${[
    'old|long|wide|tall|high|deep|thick|apart|away|ahead|later|left|remaining|each|apiece|total|altogether|overall|together|daily|weekly|monthly|yearly',
    'annually|today|tomorrow|now|already|only|exactly|sold|made|used|needed|required|bought|eaten|earned|saved|spent|read|done|available|possible|again',
  ].join('|')})$`,
  'i',
)
/** Whether a word may follow the name of a thing and leaves the number as it is. */
export const isAfter = (word: string) => AFTER.test(word)

const PREPOSITION =
  /^(?:a|an|the|per|of|in|for|from|on|at|with|to|by|that|which|who|into|out|inside|between|among|during|after|as|when|if|so|and|is|are|were|was|have|has|had|can|will|he|she|they|it|we|you|this|his|her|their|its)$/i
const PLURAL =
  /^(?:people|persons|men|women|children|fish|sheep|deer|feet|teeth|mice|geese|dice|cattle|oxen|wo?men|gentlemen|salesmen|firemen|policemen|snowmen|grandchildren|pence|data|vertices|matrices|radii|alumni|cacti|fungi|offspring|aircraft|shrimp|salmon|trout|moose|bison|series|species|staff|folk|money|water|flour|sugar|milk|rice|juice|paper|food|cash|pt|pts|pcs|ct|approx)$|\w[^s\W]s$/i

/** Measure words of Chinese, which may be followed by the name of the thing: 5个苹果. */
const MEASURE_WORD =
  /^(?:个|個|只|隻|本|张|張|条|條|位|名|人|块|塊|件|支|枝|辆|輛|头|頭|匹|棵|朵|座|栋|间|所|家|台|部|架|艘|颗|粒|片|份|杯|瓶|碗|盘|箱|盒|包|袋|对|双|组|套|排|层|页|行|题|道|场|次|种|岁|周岁|朵|根|把|盏|班|站|步|圈|局|封|首|句|字|元|角|点|度)/
/** Characters that change the number before them. */
const CHINESE_CHANGING =
  /[零〇一二两三四五六七八九十百千万亿兆京垓半负约多余几成折倍分之又个個]|左右|以上|以下|不足|平方|立方|百分/

/**
 * Whether the words after a number only say what is counted, so that they may be left out: `many` as in "5 red apples",
 * `one` as in "1 apple", for which the number is at most 1; `null` as in "5 lakh", "5 below", or any word that is not known.
 */
export function counted(words: readonly string[], isUnit: (word: string) => boolean): 'many' | 'one' | null {
  if (
    words.some((word) => CHANGING.test(word)) ||
    /\bin the red\b|\bat (?:the )?(?:most|least|best|worst|minimum|maximum)\b/i.test(words.join(' '))
  )
    return null
  const [first] = words
  if (first && /^\p{Script=Han}/u.test(first)) {
    const thing = first.replace(MEASURE_WORD, '')
    return thing !== first && words.length === 1 && !CHINESE_CHANGING.test(thing) ? 'many' : null
  }
  // 24 percent of x
  if (words.some((word) => /^\p{L}$/u.test(word) && word !== 'a' && !isUnit(word))) return null
  const end = words.findIndex((word) => PREPOSITION.test(word))
  const head = end < 0 ? [...words] : words.slice(0, end)
  while (head.length > 0 && AFTER.test(head.at(-1)!)) head.pop()
  const last = head.at(-1)
  if (last !== undefined && PART.test(last)) return null
  // "5 each", "5 in total"
  if (last === undefined) return 'many'
  if (isUnit(last) || PLURAL.test(last)) return 'many'
  return /^[a-z]{3,}$/.test(last) ? 'one' : null
}

/** Words of one or two letters whose case has no meaning: others may be variables, units or chemical symbols. */
const SHORT = new Set(
  'a am an as at be by do go he if in is it me my no of on or pm so st th to up us we nd rd'.split(' '),
)

/** A word in lower case, unless its case may carry meaning, as in mW and MW, Rr and rr, CO and Co. */
export function folded(word: string): string {
  const lower = word.toLowerCase()
  if (word.length <= 2) return SHORT.has(lower) ? lower : word
  // CaO, kJ: capitals inside a word are not for emphasis. Symbols such as KCl and mol have few vowels.
  const plainCase = word === lower || word.slice(1) === lower.slice(1) || word === word.toUpperCase()
  return plainCase ? lower : word
}

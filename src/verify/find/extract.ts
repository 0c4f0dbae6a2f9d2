import { boxedAnswer } from '../boxes.ts'
import { restore } from '../parse/clean.ts'
import { hashAnswer, underHeadings } from './headings.ts'
import { firstClause, joinedRestatement, withoutAside, withoutRemarks } from './remarks.ts'

/** The ways to find an answer in a response, in their default order. */
export const WAYS = ['tag', 'boxed', 'hash', 'phrase', 'formula', 'number'] as const
export type Way = (typeof WAYS)[number]

export interface ExtractOptions {
  /** Ways to find the answer in a response, tried in this order until one finds it. Default: `WAYS`. */
  readonly order?: readonly Way[]
}

/** Only this much of the end of a response is read. */
const MAX_LENGTH = 60_000
/** Formulas and numbers are searched in this much of the end. */
const WINDOW = 6000
/** A text without formulas and numbers is an answer if it is no longer than this. */
const MAX_WORDS = 300

/**
 * The answer in a response, or `null` if none is found. The thinking (`<think>…</think>`) is ignored. A text that consists
 * of nothing but an answer counts as a formula.
 */
export function extract(text: string, { order = WAYS }: ExtractOptions = {}): string | null {
  return firstFound(withoutThinking(lastStatement(text, order)), order)
}

const FINAL = /\bfinal answer\b(?:\*\*)?(?:\s+(?:is|are)\b|\s*:)/gi

/** A response; if a "final answer is" without a box follows its last box, only from there on. */
export function lastStatement(response: string, order: readonly Way[] = WAYS): string {
  const text = withoutThinking(response)
  const box = text.lastIndexOf('boxed')
  if (box < 0 || text.includes('<answer>') || !(order.includes('boxed') && order.includes('phrase')))
    return response
  const final = [...text.slice(box).matchAll(FINAL)].at(-1)
  const rest = final ? text.slice(box + final.index) : ''
  // "Final answer: see above" is not an answer.
  return /[\d\\$]/.test(rest) ? rest : response
}

/** A choice or a yes or no with its reason, such as "B. Because 3 is odd" or "No, 3 is odd": numbers in it are not the answer. */
export function reasonedChoice(text: string): string | null {
  const whole = withoutRemarks(withoutThinking(text).slice(0, WINDOW)).trim()
  return whole.length <= MAX_WORDS && REASONED_CHOICE.test(whole) ? whole : null
}

/** The text with a single space or at most one empty line in the place of more: white space hides nothing and takes no time. */
export const compact = (text: string): string =>
  text
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')

/** The end of a response, without the thinking. */
function withoutThinking(text: string): string {
  const end = text.lastIndexOf('</think>')
  const start = text.lastIndexOf('<think>')
  const rest = start > end ? text.slice(end < 0 ? 0 : end + 8, start) : end < 0 ? text : text.slice(end + 8)
  return compact(restore(rest.slice(-MAX_LENGTH))).replace(/<\|[^|<>]{0,40}\|>/g, ' ')
}

/** The answer in a gold: its box, last line or "the answer is" if it is a whole solution, else all of it. */
export function extractGold(gold: string): string {
  const found = extract(gold, { order: ['tag', 'boxed', 'hash'] })
  if (found !== null) return found
  // In a whole solution, only "the answer is" is reliable: its last number need not be the answer.
  const whole = restore(gold)
  return whole.length > MAX_WORDS && isProse(whole) ? (extract(whole, { order: ['phrase'] }) ?? whole) : whole
}

function firstFound(text: string, order: readonly Way[]): string | null {
  for (const way of order) {
    if (way === 'tag') {
      const tagged = tag(text)
      if (tagged === null) continue
      const rest = order.filter((x) => x !== 'tag')
      return firstFound(tagged, rest) ?? tagged.trim()
    }
    const found = FIND[way](text)
    if (found !== null) return found.trim()
  }
  return null
}

const FIND: Record<Exclude<Way, 'tag'>, (text: string) => string | null> = {
  boxed: boxedAnswer,
  hash: hashAnswer,
  phrase,
  formula(text) {
    const whole = underHeadings(text.length <= WINDOW ? withoutRemarks(text) : text).trim()
    if (whole.length === 0) return null
    if (whole.length <= WINDOW && !isProse(whole)) return whole
    const found = lastFormula(withoutRemarks(whole.slice(-WINDOW)))
    if (found !== null) return found
    return whole.length <= MAX_WORDS && !/\d/.test(whole) ? whole : null
  },
  number: (text) => lastNumber(withoutRemarks(underHeadings(text.slice(-WINDOW)))),
}

/** The content of the last <answer>…</answer>; without an end tag, up to the end. */
function tag(text: string): string | null {
  const start = text.lastIndexOf('<answer>')
  if (start < 0) return null
  const end = text.indexOf('</answer>', start)
  return text.slice(start + 8, end < 0 ? undefined : end)
}

const VERBS =
  /(?:^|[\s,])(?:is|are|was|were|be|has|have|had|she|he|they|we|you|so|thus|hence|therefore|it's|there|what|how|find|compute|calculate|evaluate|solve|makes?|giv(?:es|ing)|gets?|pays?|because|since|let|then|that|this|answer)(?=[\s,.:?]|$)/i

/** "The recipe takes 20 cups": the verbs may also be nouns, as in "20 takes". */
const STATEMENT =
  /^\W*(?:[A-Z][a-z]+|the|each|every|his|her|their|our|my|its)\s(?:[a-z]+\s){0,4}(?:needs?|takes?|took|costs?|earns?|earned|spends?|spent|sells?|sold|buys?|bought|saves?|saved|eats?|ate|uses?|used|requires?|weighs?|gives?|gave|leaves?|left|equals|walks?|runs?|travels?|receives?|contains?|holds?|owes?|paid|made|got|lasts?|measures?|charges?|totals?|amounts to|comes to)\s/

/** Whether a text consists of sentences, rather than a formula or a few words. */
function isProse(text: string): boolean {
  const words = text
    .replace(/\\(?:text[a-z]*|begin|end)\s*\{[^{}]*\}|\\[a-zA-Z]+/g, ' ')
    .replace(/,? (?:where|with|for)(?: \$?[a-z]\$?)? (?:is )?an?y? integers?\.?$/, '')
  return (
    VERBS.test(words) ||
    STATEMENT.test(words) ||
    /\p{L}{3}\s?:\s/u.test(words) ||
    (words.match(/[\p{L}]{3,}/gu)?.length ?? 0) > 5
  )
}

const REASONED_CHOICE =
  /^(?:[([*]*[A-J][)\]*]*(?:[.):,]|(?=\s+(?:because|since|as|explanation:|reason(?:ing)?:|justification:)(?:\b|\s)))\s|(?:yes|no|true|false)(?:,|\s+(?:because|since|as)\b))/i

/** Whether the text around it denies an answer: "It is not 5.", "5 is wrong". */
function isDenied(text: string, start: number, end: number): boolean {
  return (
    /\b(?:not|cannot|never|wrong|incorrect|\w+n['’]t)\b:?\s+(?:\w+\s+){0,2}[$\\([*]*$/i.test(
      text.slice(Math.max(0, start - 40), start),
    ) ||
    /^[\s$\\)\]]*(?:(?:is|are|was|would be)\s+(?:not|wrong|incorrect)|isn't|or (?:so|more|less|fewer))\b/i.test(
      text.slice(end, end + 40),
    )
  )
}

const PHRASE =
  /(?:\b(?:answers?|(?:correct|right|final) (?:option|choice|result))\b(?:\s+(?:is|are|(?:would|must|should|will|has to) be)(?:\s*:)?|(?:\*\*)?\s*[:=](?:\*\*)?)|(?<=^[ \t#*]{0,8})(?:the )?(?:final )?answer(?:\*\*)?[ \t]*\n|(?<=^[ \t#*]{0,8})ans\b[.:= ]*|\b(?:respuesta (?:final )?es|antwort (?:ist|lautet)|réponse (?:finale )?est|resposta (?:final )?é|risposta (?:finale )?è):?\s|答案(?:是|为|选|应选|：|:))\s*/gim

/** A sentence that withdraws the answer before it: "Wait, it is 6.", "Or 6." */
const WITHDRAWN =
  /^\W*(?:or|wait|actually|h+m+|alternatively|maybe|perhaps|correction|oops|sorry|no|rather|otherwise|else|(?:but )?(?:it|this) (?:could|might|may)(?: also| well)? be)\b[,:.…]*\s*([^\n?]*)/i

/** The last "The answer is …", joined to another answer that the next sentence gives instead. */
function phrase(text: string): string | null {
  const found = stated(text)
  const after = found && WITHDRAWN.exec(found.after)?.[1]?.split(/[.!](?:\s|$)/, 1)[0]
  if (!after) return found?.answer ?? null
  const other = /\d/.test(after) ? lastNumber(after) : after.split(' ').length <= 3 ? after : null
  return other === null || other === found.answer ? found.answer : `${found.answer} ; ${other}`
}

/** The last "The answer is …", up to the end of the sentence, and the text after it. */
function stated(text: string): { answer: string; after: string } | null {
  const tail = text.slice(-WINDOW)
  let last: RegExpMatchArray | null = null
  for (const match of tail.matchAll(PHRASE)) if (match.index + match[0].length < tail.length) last = match
  if (!last) return null
  const content = tail.slice(last.index! + last[0].length).replace(/^(?:\*\*|[:\s])+(?=\S)/, '')
  const displayed = /^(?:\\\[([\s\S]{0,2000}?)\\\]|\$\$([\s\S]{0,2000}?)\$\$)/.exec(content)
  if (displayed) return { answer: (displayed[1] ?? displayed[2])!, after: content.slice(displayed[0].length) }
  const [first] = content.replace(/\bi\.\s?e\./gi, 'that is').split('\n', 1) as [string]
  const line = first.split(/(?<=[^\s.])[.。](?=\s|\*|$)|。/, 1)[0]!
  const answer = answerOf(line)
  return answer === null ? null : { answer, after: first.slice(line.length) }
}

/** The answer in a sentence from which "The answer is" was removed. */
function answerOf(line: string): string | null {
  const stated = withoutAside(withoutRemarks(line))
    .replace(/\s+/g, ' ')
    .replace(/\*\*\s*$/, '')
    .replace(/,?\s+(?:because|since|as|where|which|when|so that|for all)\b.*$/i, '')
  const sentence = firstClause(joinedRestatement(stated, isProse))
  if (!sentence.trim()) return null
  if (!isProse(sentence) || /\bnot\b/.test(sentence)) return sentence
  // "42 and the other is 43": two answers
  if (/^\W*\d[^a-z]*(?:,|\sand)\s/i.test(sentence)) return sentence
  // "… the largest n is 34"
  const is = sentence
    .split(/\s(?:is|are|equals|that)\s/)
    .at(-1)!
    .replace(/^\*\*/, '')
  if (!isProse(is)) return is
  return lastFormula(sentence) ?? lastNumber(sentence) ?? sentence
}

const FORMULA =
  /\$\$([^$]{1,2000})\$\$|(?<!\\)\$((?:[^$\n\\]|\\.){1,1000})\$(?!\d)|\\\(([\s\S]{1,1000}?)\\\)|\\\[([\s\S]{1,2000}?)\\\]|\\begin\{(?:align|aligned|equation|gather)\*?\}([\s\S]{1,2000}?)\\end\{/g

/** The last formula, with the formulas joined to it by "or", "and" or commas. */
function lastFormula(text: string): string | null {
  const formulas: { text: string; start: number; end: number }[] = []
  for (const match of text.matchAll(FORMULA)) {
    const inner = (match[1] ?? match[2] ?? match[3] ?? match[4] ?? match[5])!
    // Words between two dollar signs: these are prices.
    if (/(?<![\\a-zA-Z{])[a-zA-Z]{2,} +[a-zA-Z]{2,}/.test(inner.replace(/\\[a-z]+\s*\{[^{}]*\}/g, '')))
      continue
    formulas.push({ text: inner, start: match.index, end: match.index + match[0].length })
  }
  let at = formulas.length - 1
  const last = formulas[at]
  if (!last || isQuestion(text, last.start, last.end) || isDenied(text, last.start, last.end)) return null
  const after = text.slice(last.end)
  // "… the area of $ABC$ is 120"
  if (!/\d/.test(last.text) && /\d/.test(after)) return null
  if (/\b(?:therefore|thus|hence|so)\b[^.]*\d/i.test(after)) return null
  const items = [last.text]
  for (; at > 0; at--) {
    const [before, item] = [formulas[at - 1]!, formulas[at]!]
    if (!/^\s*(?:,|;|,?\s*(?:or|and))\s*$/i.test(text.slice(before.end, item.start))) break
    items.unshift(before.text)
  }
  return items.map((item) => item.trim()).join(' ; ')
}

/** Whether a formula is in a question or a task rather than in an answer. */
function isQuestion(text: string, start: number, end: number): boolean {
  if (/^[^.!\n]*\?/.test(text.slice(end, end + 300))) return true
  const sentence = text
    .slice(Math.max(0, start - 200), start)
    .split(/[.!?\n]\s/)
    .at(-1)!
  return /^\s*(?:what|find|compute|calculate|evaluate|simplify|solve|determine|how)\b/i.test(sentence)
}

const NUMBER = String.raw`(?:(?<![\w)\]}.]|[\d)]\s)[-−–])?[$€£]?\s?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:[.,]\d+)?(?:\s*/\s*\d+(?:\.\d+)?)?(?:\s*(?:%|\\%|percent))?`
const LAST_NUMBER = new RegExp(String.raw`(?<![A-Za-z\d.\\])${NUMBER}(?!\d|[A-Za-z]{4})`, 'g')

/** A sentence about the number with which it begins. */
const LEADING = /^\S+(?:\s[a-z]+)?\s(?:is|are)\s(?:the|our|what|how)\s/

const IN_TIME =
  /\s(?:after|in|within|over|during|for|every|on|with|from)\s(?:(?:all|each|the|these|those|his|her|their|its|a total of)\s){0,2}$/

/** What the result of a calculation leads to: "= 9 eggs, which sell for $18". */
const WORTH =
  /,\s+(?:(?:which|and these|and they)\s+(?:(?:will |would )?(?:sells?|costs?|brings?|earns?|yields?|totals?|makes?|gives?|comes?|amounts?|equals)|(?:is|are) (?:worth|sold))|so|giving|making|leaving|for a total)\b/i

/** A condition after a number, perhaps after its unit. */
const CASE = /^\s*(?:[a-z]+\s)?(?:if|when|for|in case|otherwise)\s/i

/** The number of a step or of an item of a list. */
const LABELLED =
  /(?:^|[.!?]\s|\n|\b(?:step|case|part|item|no\.?|number|question|problem|day|week|year|stage|round|method|option|figure|table|example|chapter))\s*\*\*\s?$/i

/** Whether a number, perhaps with its unit, is emphasised and no label: **$10**, **10 apples**. */
const isBold = (text: string, { index, 0: found }: RegExpMatchArray) =>
  /\*\*\s?$/.test(text.slice(Math.max(0, index! - 3), index)) &&
  !LABELLED.test(text.slice(Math.max(0, index! - 20), index)) &&
  /^(?:\s?[a-z]+){0,3}\.?\*\*/i.test(text.slice(index! + found.length, index! + found.length + 60))

/** The last number, with the numbers joined to it by "or", "and" or commas. */
function lastNumber(written: string): string | null {
  const text = written.replace(/\bi\.\s?e\./gi, 'i-e')
  const numbers = [...text.matchAll(LAST_NUMBER)]
  let at = numbers.length - 1
  if (at < 0) return null
  // The number before a reason ("she needs 33 bananas because there is 1 in each"), or after = ("60 x 5 = 300 in 5 minutes").
  const sentences = [...text.slice(0, numbers[at]!.index).matchAll(/[.!?]\s|\n/g)]
  const start = sentences.at(-1)?.index ?? 0
  const reason = /\s(?:because|since|as|in order|if|when|i-e,?)\s/i.exec(text.slice(start))
  const end = reason ? start + reason.index : text.length
  // "5 if n is even, 6 if n is odd": an answer for each case
  const cases = numbers.filter(
    ({ index, 0: found }) => index >= start && CASE.test(text.slice(index + found.length)),
  )
  if (cases.length > 1) return cases.map(([found]) => found.trim()).join(' ; ')
  const within = numbers.flatMap(({ index }, k) => (index >= start && index < end ? [k] : []))
  // "14 out of 20", "14 of the 20", "14 is less than 20": the second number is given.
  const inSentence = within.filter(
    (k, at) =>
      at === 0 ||
      !/\b(?:of(?: (?:these|those|all|a|her|his|their))?|(?:all )?(?:the|these|those)|after|than|more(?: [a-z]+)? to (?:reach|make|get to|get|complete|finish|fill|have))\s+[$€£]?$/i.test(
        text.slice(start, numbers[k]!.index),
      ),
  )
  const equals = inSentence.filter((k) =>
    /=\s*$/.test(text.slice(Math.max(0, numbers[k]!.index - 8), numbers[k]!.index)),
  )
  const first = inSentence[0]
  // "20 is the total for the 4 days"
  if (
    first !== undefined &&
    /^[\s*$]*$/.test(text.slice(start + 1, numbers[first]!.index)) &&
    LEADING.test(text.slice(numbers[first]!.index, end))
  )
    return numbers[first]![0].trim()
  // "She earned **$10** for 50 minutes": the number that is emphasised alone
  const bold = inSentence.filter((k) => isBold(text, numbers[k]!))
  const afterBold =
    bold.length === 1 ? text.slice(numbers[bold[0]!]!.index + numbers[bold[0]!]![0].length) : ''
  const alone =
    bold.length === 1 &&
    !/^\S*\s*(?:,|;|\/|,?\s*(?:and|to|-|–))\s*\W*\d|\b(?:or|either|maybe|perhaps|possibl[ey]|could|might)\b/i.test(
      afterBold,
    )
  const worth = WORTH.exec(text.slice(start, end))
  const afterWorth = inSentence.filter((k) => worth && numbers[k]!.index > start + worth.index)
  const last = inSentence.at(-1)
  const isTime = last !== undefined && IN_TIME.test(text.slice(start, numbers[last]!.index))
  // "$100 after 5 weeks"
  const prices = inSentence.filter((k) => isTime && /^[$€£]/.test(numbers[k]![0]))
  at = (alone ? bold[0] : undefined) ?? afterWorth.at(-1) ?? equals.at(-1) ?? prices.at(-1) ?? last ?? at
  const chosen = numbers[at]!
  if (isDenied(text, chosen.index, chosen.index + chosen[0].length)) return null
  const items = [chosen[0]]
  for (; at > 0; at--) {
    const before = numbers[at - 1]!
    if (
      !/^\s*(?:,|;|,?\s*(?:or|and|to|-|–))\s*$/i.test(
        text.slice(before.index + before[0].length, numbers[at]!.index),
      )
    )
      break
    items.unshift(before[0])
  }
  return items.map((item) => item.trim()).join(' ; ')
}

import { asks, plain } from './plain.ts'

const MAX_LENGTH = 6000

/** Subjects of which the opposite, or something else, is said. */
const OTHER_SUBJECT =
  /\b(?:not|no|nor|never|neither|\w+n't|converse|opposite|negation|inverse|reverse|contrary|contrapositive|if|whether|or|unless|nobody|nothing|none|false|wrong|incorrect|except|without|other|doubt\w*|den(?:y|ies|ied)|suppos\w+|assum\w+|imagin\w+|pretend\w*)\b/i
/** In "the day after is Friday"; but "after 3 days, it is Friday". */
const OTHER_TIME = /\b(?:yesterday|tomorrow|before|after)\b[^,]*$/i
const DENIED = /\b(?:not|nor?|never|neither|either|or|unless|if|unlikely|almost|maybe|except|but)\b/i
const LINK =
  /\s(?:is|are|was|were|(?:will|would|must|should) be|falls? on|lands? on|becomes?|remains?)\s(?:(?:called|named|on|in)\s)?/gi
const OPENING = /^(?:(?:so|thus|hence|therefore|then|finally|clearly)\b,?\s+)?/i

const unboxed = (text: string) =>
  text.replace(/\\(?:text|mbox|math)[a-z]*\s*\{([^{}]*)\}/g, '$1').replace(/\*\*|^\$|\$$/g, '')

/** What a sentence says of its subject: Tuesday for "It is Tuesday."; `null` if it is not such a sentence. */
export function predicate(sentence: string): string | null {
  const s = unboxed(sentence)
    .replace(/^([a-zA-Z]{2,}(?: [a-zA-Z]+){0,3}):\s/, '$1 is ')
    .replace(OPENING, '')
    .replace(/^(?:it|that|this|he|she)['’]s\s/i, 'it is ')
  const link = [...s.matchAll(LINK)].at(-1)
  if (!link || link.index > 120) return null
  const [subject, said] = [s.slice(0, link.index), s.slice(link.index + link[0].length)]
  const single =
    !OTHER_SUBJECT.test(subject) &&
    !OTHER_TIME.test(subject) &&
    !DENIED.test(said) &&
    !/[,;:?]|\band\b/.test(said)
  return single && said.split(/\s+/).length <= 6 ? said : null
}

/** The last sentence of a response; the text after a full stop in a number is the same sentence. */
const lastSentence = (text: string) =>
  text
    .trim()
    .slice(-300)
    .split(/[.!?。]\s+|\n+/)
    .at(-1)!

/** Things that a property is said of: "an isosceles triangle" is isosceles. */
const CLASS =
  / (?:triangles?|numbers?|integers?|functions?|angles?|quadrilaterals?|polygons?|sequences?|series|matrix|matrices|graphs?|events?|variables?)$/
/** Words that are no property without the thing. */
const NO_PROPERTY =
  /^(?:no|yes|all|any|some|every|both|one|two|right|(?:all )?real|whole|natural|random|infinitely many)$/

/** Whether one text is a property and the other names the thing that has it. */
function sameProperty(a: string, b: string): boolean {
  const [x, y] = [a.replace(CLASS, ''), b.replace(CLASS, '')]
  return x === y && (a === x || b === y) && x !== '' && !x.includes(' ') && !NO_PROPERTY.test(x)
}

/** What a sentence is about: Maria for "Maria is the oldest." */
const SUBJECT =
  /^(.{2,40}?)\s(?:is|was|has|had|got)\sthe\s(?:\w+est|most|least|answer|winner|correct|right|only|first|last|one)\b([^,;]*)$/i

/** The series diverges. */
const VERB =
  /^(?:it|this|(?:the|this)(?: (?!never|not|no)[a-z]+){1,3}) ((?:con|di)verges|(?:in|de)creases|doubles|halves|terminates|repeats)$/

/** Whether the answer states the words of the gold in its last sentence: Tuesday, "It is Tuesday."; isosceles, "an isosceles triangle". */
export function states(gold: string, answer: string): boolean {
  const g = plain(gold)
  // Words with numbers are compared number by number.
  if (g === '' || /\p{N}/u.test(gold) || answer.length > MAX_LENGTH || asks(gold, answer)) return false
  const a = answer.replace(/\\(?:text|mbox|math)[a-z]*\s*\{([^{}]*)\}/g, '$1').replace(/[*$]/g, '')
  const last = lastSentence(a)
  const [, subject, rest] = SUBJECT.exec(last.replace(OPENING, '')) ?? []
  const named = subject && !OTHER_SUBJECT.test(subject) && !DENIED.test(rest!) ? subject : ''
  const verb = VERB.exec(last.replace(OPENING, '').replace(/\.$/, '').toLowerCase())?.[1]
  const said = [a, predicate(last) ?? '', named, verb ?? ''].map(plain)
  return said.some((x) => x !== '' && (sameProperty(g, x) || x === g))
}

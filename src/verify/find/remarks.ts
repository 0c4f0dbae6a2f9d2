/** The rest of a sentence; a full stop in a number does not end it. */
const REST = String.raw`(?:[^.!?\n]|[.](?=\d))*`
const remark = (pattern: string) => new RegExp(pattern + REST, 'gi')

/** Side remarks that follow an answer: they say what it is not, compare it, or speak of something else. */
const REMARKS: readonly RegExp[] = [
  // 42, not 43; 42 rather than 43; B (not A)
  remark(
    String.raw`(?:(?:,|,?\s+and)\s+not|,?\s+(?:rather\s+than|instead\s+of)|\s\((?:and\s+)?not)\s(?!.*\bbut\b|\s*(?:sure|certain|clear|likely|really|quite|exactly|necessarily|certainly)\b)`,
  ),
  // 90, which exceeds 85
  remark(
    String.raw`,\s+(?:which|and\s+this|and\s+that)\s+(?:exceeds|is\s+(?:more|less|greater|fewer|larger|smaller|higher|lower|bigger|above|below|under|over|at\s+(?:most|least)|within|between|close|near))\b`,
  ),
  // 45, exceeding the 40 that were planned
  remark(
    String.raw`,\s+(?:exceeding|surpassing|(?:more|less|greater|fewer|larger|smaller|higher|lower)\s+than)\b`,
  ),
  // 7 are red; the other 5 are blue
  remark(
    String.raw`[;,(]\s*(?:and\s+|while\s+|whereas\s+)?the\s+(?:others?|rest|remaining|remainder)\b(?!\s+(?:roots?|solutions?|answers?|values?|possibilit\w+|one|options?|choices?)\b)`,
  ),
  // 12, as required
  /,?\s+(?:QED|q\.e\.d)(?=\.?\s*$)/gi,
  /,?\s+as\s+(?:required|desired|claimed|expected|needed|wanted|stated|shown|above|we\s+wanted)(?=\s*(?:[.;]\s|[.;]?\s*$))/gim,
]

/** The text without side remarks. */
export function withoutRemarks(text: string): string {
  return REMARKS.reduce((s, pattern) => s.replace(pattern, ''), text.replace(/[ \t]{2,}/g, ' '))
}

const RESTATED = /,?\s+\(?(?:i\.\s?e\.|that is),?\s+/i

/** 24, i.e. 8 each: without what follows "i.e.", unless this is the same answer in another form, which is joined by =. */
export function joinedRestatement(sentence: string, isProse: (text: string) => boolean): string {
  const match = RESTATED.exec(sentence)
  if (!match || match.index === 0) return sentence
  const [before, after] = [sentence.slice(0, match.index), sentence.slice(match.index + match[0].length)]
  const words = after.match(/[a-z]{2,}/gi)?.length ?? 0
  return isProse(after) || words > 3 ? before : `${before} = ${after.replace(/\.?\)?\s*$/, '')}`
}

const SUBJECT = String.raw`(?:it|this|that|they|he|she|we|there|its(?:\s+[a-z]+){1,2}|the(?:\s+(?!other|second|first|answer|solution|root|possib|altern)[a-z]+){1,6}?)`
const CLAUSE = new RegExp(
  String.raw`(?:,?\s+(?:and|but|so|while)|[,;])\s+(?:(?:so|then|thus|hence)\s+)?${SUBJECT}\s+(?:is|are|was|were|has|have|will|can|leaves?|makes?|means|gives?)\b`,
  'i',
)

/** 42, the product of 6 and 7; 100, a perfect square */
const APPOSITION =
  /,\s+(?:(?:the|an?)(?:\s+(?!other|second|first|answer|solution|root|possib|altern)[a-z]+){1,3}?\s+(?:of|that|for|in|between|from)\b|an?(?:\s+(?!other|second|answer|solution|root|possib|altern|half|third|quarter|dozen|hundred|thousand|million|few)[a-z]+){2}\.?\s*$)/i

/** The first clause of a sentence that begins with an answer: "42 and it is prime", "9 and the remainder is 4". */
export function firstClause(sentence: string): string {
  const at = (CLAUSE.exec(sentence) ?? APPOSITION.exec(sentence))?.index ?? -1
  const before = sentence.slice(0, at)
  return at > 0 && (/\d|\$|\\/.test(before) || before.trim().split(/\s+/).length <= 3) ? before : sentence
}

const ADVERB =
  /^\s*(?:(?:indeed|therefore|thus|then|just|exactly|clearly|simply|only|precisely|obviously|equal to)\s+){1,2}(?=[-$\\\d])/i
/** What follows a value and says how it was found, or something else. */
const ASIDE =
  /,\s+(?=(?:with|leaving|obtained|given|giving|using|found|but|whereas|while|although|though|from|by|after|making|meaning|consisting|including|namely)\b)|\s+(?=(?:while|whereas)\s)|;\s+(?=[a-z]{2,}\s)|:\s+(?=[a-z]{2,}\s)|\s[-–—]\s(?=[a-z]+\s)|\s(?=\((?!mod\b|base\b)[a-z]{2,}\s[^()]*\)\W*$)|,\s+(?=\d+\s[a-z]+\sand\s\d+\s[a-z]+\W*$)|\s(?=from now\W*$)/i
/** Words that give another answer beside the value. */
const ALTERNATIVE =
  /\b(?:or|also|else|otherwise|could|might|may|maybe|perhaps|possibl[ey]|either|alternatively|both|another|too|if|unless|except|assuming|works?|valid|solutions?|roots?|answers?|instead|actually|rather|not|no|wrong|incorrect)\b/i
/** A number or a formula, perhaps with its unit. */
const VALUE =
  /^\W*(?:\$[^$]{1,200}\$|\\\([^()]{1,200}\\\)|[-−]?[$€£]?\d[\d,.]*(?:\/\d+)?\s?%?)(?:\s[a-z]+){0,2}\W*$/i

/** The value with which a sentence begins, without what is said beside it: "7, leaving 4", "indeed 7", "7 (see above)". */
export function withoutAside(sentence: string): string {
  const s = sentence.replace(ADVERB, '')
  const aside = ASIDE.exec(s)
  if (!aside) return s
  const before = s.slice(0, aside.index)
  return VALUE.test(before) && !ALTERNATIVE.test(s.slice(aside.index)) ? before : s
}

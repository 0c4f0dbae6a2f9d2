/** The letters chosen in a multiple choice, and the text after them. */
export interface Choice {
  readonly letters: string
  readonly rest: string
}

const BEFORE =
  /^(?:(?:so|thus|hence|therefore),? )?(?:(?:I|we)(?:'d| would)? (?:chose|go with|say) |(?:(?:I|we)(?:'d| would)? )?(?:choose|pick|select) |(?:(?:I|we) (?:think|believe|guess|conclude|say) (?:that )?)?it(?: is|'s| must be| should be) )?(?:(?:I|we) (?:think|believe|guess|conclude) (?:that )?)?(?:(?:the |my )?(?:correct |final |right |best )?(?:answer|option|choice|letter)(?: is| must be| should be)?:? )?(?:(?:the )?(?:option|choice|letter) )?(?:(?:因此|所以|故|综上)?,?(?:本题)?(?:正确)?(?:答案)?(?:选项|应?该?选择?(?:选项)?|(?:是|为)(?:选项)?)?:? ?)/i
const LETTER = /^(?:\(([A-J])\)|\[([A-J])\](?![([])|([A-J])(?![\w']))/i
/** The end of the choice in `B`, `B.`, `B is correct`; the text of the choice or a reason may follow. */
const AFTER =
  /^(?:[).:]*$|(?:选?项)?(?:是?正确的?|对)?[.。]?$|[).:]+ ?(?=\S)(?![).:])| ?,? (?=(?:because|since|as) )|(?: is| must be|'s) (?:the )?(?:correct|right|true|best)(?: (?:answer|option|choice|one))?(?:[.!]?$|,? (?=(?:because|since|as) ))| (?=(?:explanation|reason|reasoning|justification|rationale):)| - (?=[a-z]{2,})|, (?=(?:none|all|both|neither) of )|, (?:i\.e\.,? )(?=\S))/i

/** The end of "C is correct; A and B are not". */
const OTHERS_WRONG =
  /[;,.] (?:and |but |while )?[A-J](?:(?:,| and|, and| or) [A-J])* (?:is|are) (?:not(?: (?:correct|right|true))?|wrong|incorrect|false)\.?$/

/** Reads `B`, `(B)`, `B. 12`, `\text{(B)}`, `Option B`, `B is correct`, `A, B and D`; `null` if it is not a choice. */
export function choiceOf(source: string): Choice | null {
  const text = source
    .replace(/\\(?:text|math|mbox)[a-z]*\s*\{([^{}]*)\}/g, '$1')
    .replace(/\\(?:quad|qquad|[ ,;:!])/g, ' ')
    .replace(/[*$~]|[{}]/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/ (?=[.):,])/g, '')
    .trim()
  const choice = text.replace(BEFORE, '').replace(OTHERS_WRONG, '')
  const letter = LETTER.exec(choice)
  // The text of the choice may directly follow a letter in parentheses.
  const bare = letter?.[3] !== undefined
  const after = letter && AFTER.exec(choice.slice(letter[0].length))
  if (letter && (after || !bare)) {
    const rest = choice.slice(letter[0].length + (after?.[0].length ?? 0)).trim()
    return {
      letters: (letter[1] ?? letter[2] ?? letter[3])!.toUpperCase(),
      rest: rest.replace(/^[.:)]\s*/, '').replace(/^(?:because|since|as) .*$/i, ''),
    }
  }
  if (/^[A-J](?:(?:,? and |[,;] ?)[A-J])+$/.test(text))
    return { letters: [...new Set(text.match(/\b[A-J]\b/g))].sort().join(''), rest: '' }
  if (/^[A-J]{2,6}$/.test(text) && /^(?:A?B?C?D?E?F?G?H?I?J?)$/.test(text)) return { letters: text, rest: '' }
  return null
}

/** An explanation under the choice may speak of the other letters, but not choose one of them. */
const EXPLANATION = /(?:^| )(?:explanation|reason|reasoning|justification|rationale|proof|solution|why):/i
const CLAIM =
  /\b([A-J]) (?:is|must be|would be)(?: the)? (?:correct|right|true|best|answer)|\b(?:answer|so|choose|option|choice|is|thus|therefore)\b:?,? (?:is |must be )?\(?([A-J])(?![\w'])(?! (?:is|are|cannot|was|does|has|can) )/gi

/** Whether another letter or words that withdraw the choice follow. "A " before a word is an article. */
export function isUndecided({ letters, rest: whole }: Choice): boolean {
  const at = EXPLANATION.exec(whole)?.index ?? whole.length
  const rest = whole.slice(0, at)
  const claimed = [...whole.slice(at).matchAll(CLAIM)].map((match) => match[1] ?? match[2])
  if (claimed.some((letter) => letter !== letters)) return true
  if (/^(?:or|and|to|not)\b|\bor not\b|^(?:is |was )?(?:not|wrong|incorrect|isn't)\b|^is false\b/i.test(rest))
    return true
  const others = rest.replace(/^A (?=[a-z]{2})/, '').match(/(?<![\w\\'])[A-J](?=$|[\s).,:/?])/g)
  return others?.some((letter) => letter !== letters) ?? false
}

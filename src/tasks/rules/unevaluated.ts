import { verify } from '../../verify/index.ts'

/** A number as people write results: 149, -3, 1,000, 0.5, $18, 50%. */
const PLAIN = /^[-+]?[$€£]?\d[\d,]*(\.\d+)?%?$/
const FRACTION = /^[-+]?\d+\/\d+$/
/** 10^n or a · 10^n, a number as people write large ones. */
const SCIENTIFIC = /^[-+]?(\d+(\.\d+)?\*)?10\^\(?[-+]?\d+\)?$/
/** A sum, difference, product, quotient or power of two numbers, or a sum or product with something unknown. */
const OPERATION = /[\d.)%!]([-+*/^])[-+]?[(\d.$√]|[\d)][+*]\p{L}|\p{L}[+*][\d(]/u
/** Functions of numbers, as signs and names. */
const FUNCTION =
  /\d\s*!|√|\p{L}\(\s*[-+.\d]|\d\s*[CP]\s*\d|(?<!\p{L})(sqrt|b?mod|pmod|choose|lfloor|lceil)\s*[[{(\d]|(?<!\p{L})(log|ln|exp|sin|cos|tan|max|min|gcd|lcm|floor|ceil|abs|sum|prod|d?binom)\s*[_^{(]/iu
/** An operation in words, between numbers in digits or words. */
const NUMBER =
  '(\\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\\w+teen|(twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand|million)'
const WORDS = new RegExp(
  `${NUMBER} (plus|minus|times|over|divided by|multiplied by|to the power of) (the )?[-(]?${NUMBER}|[加减乘除]`,
  'i',
)
const EQUALS = /=+|\b(?:is|are|equals|gives|makes)\b/i
const SUPERSCRIPT = /[\d)]\s*[⁰¹²³⁴⁵⁶⁷⁸⁹]/

/**
 * Is an answer, equal to the gold, an expression whose value was asked for? To "What is 70 + 79?", "70 + 79", "79 + 70 = x" and
 * "70 plus 79" are equal to 149 but say nothing, and a reward that accepts them teaches a model to repeat the question.
 */
export function isUnevaluated(prompt: string, gold: string, answer: string): boolean {
  const [asked, right] = [compact(prompt), compact(gold)]
  return statements(gold, answer).every(
    (text) => isOperation(text, right) || isRepetition(compact(text), asked, right),
  )
}

/** The parts of an answer that are equal to the gold by themselves: "149" of "70 + 79 = 149", "70 + 79" of "70 + 79 = x". */
function statements(gold: string, answer: string): readonly string[] {
  if (gold.includes('=')) return [answer]
  const sides = answer.split(EQUALS).filter((side) => /[\p{L}\p{N}]/u.test(side) && verify(gold, side).equal)
  return sides.length === 0 ? [answer] : sides
}

/** An operation or function of numbers in the place of a number. Fractions are results where the gold is no whole number. */
function isOperation(text: string, gold: string): boolean {
  if (!PLAIN.test(gold) && !FRACTION.test(gold) && !SCIENTIFIC.test(gold)) return false
  if (SUPERSCRIPT.test(text) || WORDS.test(text)) return true
  const plain = compact(text)
  if (SCIENTIFIC.test(plain) || (FRACTION.test(plain) && /[.%/]/.test(gold))) return false
  return OPERATION.test(plain) || FUNCTION.test(text)
}

/** An expression that stands in the question, where the gold does not. */
function isRepetition(text: string, asked: string, gold: string): boolean {
  return !PLAIN.test(text) && /[-+*/^!√]|sqrt/.test(text) && asked.includes(text) && !asked.includes(gold)
}

/** Without spaces and the marks of mathematics, and with one sign for each operation. */
function compact(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/\\(left|right|displaystyle|boxed|[,;:! ()[\]])|[$\s]+(?=\D|$)/g, '')
    .replace(/\\d?frac\{([^{}]*)\}\{([^{}]*)\}|\\d?frac(\d)(\d)/g, (_, a, b, c, d) => `${a ?? c}/${b ?? d}`)
    .replace(/\\times|\\cdot|[×·⋅∗]|(?<=\d)\s*x\s*(?=\d)/g, '*')
    .replace(/\\div|[÷∕⁄]/g, '/')
    .replace(/\^\{([^{}]*)\}/g, '^$1')
    .replace(/[−–]/g, '-')
    .replace(/\s+/g, '')
    .replace(/\.$/, '')
}

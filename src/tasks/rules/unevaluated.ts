/** A number as people write results: 149, -3, 1,000, 0.5, $18, 50%. */
const PLAIN = /^[-+]?[$€£]?\d[\d,]*(\.\d+)?%?$/
/** A sum, difference, product or quotient of two numbers. */
const OPERATION = /[\d.)%]([-+*/])[-+]?[(\d.$]/
/** a · 10^n, a number as people write large ones. */
const SCIENTIFIC = /^[-+]?\d+(\.\d+)?\*10\^\(?[-+]?\d+\)?$/
const FRACTION = /^[-+]?\d+\/\d+$/

/**
 * Is an answer, equal to the gold, an expression whose value was asked for? To "What is 70 + 79?", "70 + 79" and "79 + 70" are
 * equal to 149 but say nothing, and a reward that accepts them teaches a model to repeat the question.
 */
export function isUnevaluated(prompt: string, gold: string, answer: string): boolean {
  const [asked, right] = [compact(prompt), compact(gold)]
  // of "70 + 79 = ?", only the left side says something
  const sides = compact(answer)
    .split('=')
    .filter((side) => /[\p{L}\p{N}]/u.test(side))
  return sides.every((side) => isOperation(side, right) || isRepetition(side, asked, right))
}

/** An operation on numbers in the place of a plain number. Fractions are results where the gold is no whole number. */
function isOperation(text: string, gold: string): boolean {
  if (!PLAIN.test(gold) || !OPERATION.test(text) || SCIENTIFIC.test(text)) return false
  return !(FRACTION.test(text) && /[.%]/.test(gold))
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
    .replace(/[−–]/g, '-')
    .replace(/\s+/g, '')
    .replace(/\.$/, '')
}

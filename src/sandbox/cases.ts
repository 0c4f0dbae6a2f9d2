import { type Exact, parseExact, sameExact, stringifyExact } from './exact-json.ts'
import { CALLABLE, type Language, type Outcome, type Program } from './program.ts'
import { isNear, isNearText, ofDigits, ofValues, type Tolerance } from './tolerance.ts'

/** A test case: the input of a program, and a check of the outcome. */
export interface Case {
  readonly input: Program['input']
  /** The expected output or result, to show to people. */
  readonly expected: string
  passedBy(outcome: Outcome): boolean
}

/** The test cases of a question. */
export interface Cases {
  readonly language: Language
  /** The function to call; null if programs read standard input and write standard output. */
  readonly call: string | null
  readonly cases: readonly Case[]
}

/**
 * Reads test cases in the form of APPS, TACO and LiveCodeBench, as JSON text: `{"inputs": [...], "outputs": [...]}`, with
 * `"fn_name"` where a function is called, and `"language": "javascript"` where it is not Python. With `"tolerance": 1e-4`
 * numbers may differ by that much, absolutely or relative to the expected one.
 *
 * @throws Error with the reason if they cannot be used, or if a program that does nothing would pass them.
 */
export function readCases(text: string): Cases {
  const { $inputs: inputs, $outputs: outputs, $fn_name, $language = '$python', $tolerance } = objectOf(text)
  if (!Array.isArray(inputs) || !Array.isArray(outputs))
    throw new Error('the tests must be {"inputs": [...], "outputs": [...]}')
  if (inputs.length === 0 || inputs.length !== outputs.length)
    throw new Error(`the tests have ${inputs.length} inputs and ${outputs.length} outputs`)
  if ($language !== '$python' && $language !== '$javascript')
    throw new Error(
      `the language of the tests is ${stringifyExact($language)}; it must be "python" or "javascript"`,
    )
  const call = $fn_name === undefined || $fn_name === null ? null : plain($fn_name)
  if (call !== null && !CALLABLE.test(call))
    throw new Error(`fn_name is ${JSON.stringify(call)}, which is not the name of a function`)
  const tolerance = $tolerance === undefined || $tolerance === null ? null : toleranceOf($tolerance)
  const cases =
    call === null
      ? inputs.map((input, i) => stdinCase(input, outputs[i]!, tolerance ?? ofDigits))
      : callCases(call, inputs, outputs, tolerance ?? ofValues)
  return { language: $language === '$python' ? 'python' : 'javascript', call, cases }
}

function objectOf(text: string): Readonly<Record<string, Exact>> {
  let value: Exact
  try {
    value = parseExact(text)
  } catch {
    throw new Error('the tests are not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('the tests must be {"inputs": [...], "outputs": [...]}')
  return value as Readonly<Record<string, Exact>>
}

function toleranceOf(given: Exact): Tolerance {
  const tolerance = typeof given === 'string' && given[0] === '#' ? Number(given.slice(1)) : Number.NaN
  if (!(tolerance >= 0 && tolerance < 1))
    throw new Error(
      `the tolerance of the tests is ${stringifyExact(given)}; it must be a number from 0 to below 1`,
    )
  return () => tolerance
}

const isText = (value: Exact): value is string => typeof value === 'string' && value[0] === '$'

/** The text of a string; the JSON of any other value. */
const plain = (value: Exact): string => (isText(value) ? value.slice(1) : stringifyExact(value))

/** The text of a value that is a text or a list of lines. */
const textOf = (value: Exact): string => (Array.isArray(value) ? value.map(plain).join('\n') : plain(value))

function stdinCase(input: Exact, output: Exact, tolerance: Tolerance): Case {
  const expected = textOf(output)
  const wanted = trimmed(expected)
  if (wanted === '') throw new Error('a test expects no output: any program that prints nothing would pass')
  return {
    input: { stdin: textOf(input) },
    expected,
    passedBy: ({ end, stdout }) => end === 'exit' && isNearText(trimmed(stdout), wanted, tolerance),
  }
}

/** Output as graders compare it: without white space at the ends of lines, and without empty lines at the end. */
function trimmed(text: string): string {
  const lines = text.split('\n').map((line) => line.trimEnd())
  return lines.join('\n').trimEnd()
}

/**
 * Test cases of a function. APPS has arguments as a list and results as values; LiveCodeBench has arguments as lines of
 * JSON and results as JSON text.
 */
function callCases(
  call: string,
  inputs: readonly Exact[],
  outputs: readonly Exact[],
  tolerance: Tolerance,
): Case[] {
  const results = outputs.map((output, i) => (isText(inputs[i]!) ? jsonText(plain(output)) : output))
  if (results.every((result) => result === null))
    throw new Error('every test expects null: a function that does nothing would pass')
  // In many questions of APPS, every result is wrapped in a list.
  const wrapped = results.every((result) => Array.isArray(result) && result.length === 1)
  return results.map((result, i) => {
    const args = argumentsOf(inputs[i]!)
    const accepted = wrapped ? [result, (result as readonly Exact[])[0]!] : [result]
    return {
      input: { call, args: stringifyExact(args) },
      expected: stringifyExact(accepted.at(-1)!),
      passedBy: ({ end, result }) =>
        end === 'exit' && result !== null && accepted.some((value) => isJsonOf(result, value, tolerance)),
    }
  })
}

function argumentsOf(input: Exact): Exact {
  if (isText(input))
    return plain(input)
      .split('\n')
      .filter((line) => line.trim())
      .map(jsonText)
  if (!Array.isArray(input)) throw new Error(`arguments must be a list, not ${stringifyExact(input)}`)
  return input
}

function jsonText(text: string): Exact {
  try {
    return parseExact(text)
  } catch {
    throw new Error(`${JSON.stringify(text.slice(0, 60))} is not JSON`)
  }
}

/** Whether a text from a sandbox, which may be anything, is JSON of this value. */
function isJsonOf(text: string, expected: Exact, tolerance: Tolerance): boolean {
  try {
    return sameExact(parseExact(text), expected, (a, b) => isNear(a, b, tolerance))
  } catch {
    return false
  }
}

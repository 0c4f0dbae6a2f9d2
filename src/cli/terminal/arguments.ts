import type { ArgsDef } from 'citty'
import { UserError } from '../../common/errors.ts'
import { nearest } from '../../common/nearest.ts'

/** Options and arguments by name. */
export type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** Options that may be given several times, and the argument that takes all words that follow; their value is a list. */
const REPEATED = new Set(['set', 'words'])

/** Arguments that may be an empty text: the answers that are compared. */
const MAY_BE_EMPTY = new Set(['gold', 'answer'])

/** The end of the hint of an option that takes several values, separated by commas or given with the option each time. */
const SEVERAL = ',…'

/**
 * Reads the words after a command's name by its definition.
 *
 * @throws UserError (exit code 2) that names an unknown option, a missing value or argument, or an extra word.
 */
export function readArguments(command: string, words: readonly string[], definition: ArgsDef): Values {
  const values: Record<string, string | boolean | string[]> = {}
  const positionals = Object.entries(definition).filter(([, arg]) => arg.type === 'positional')
  const wrong = (message: string): UserError =>
    new UserError(`${message} (\`ruminate ${command} --help\` shows the options)`, 2)
  let next = 0
  // After `--`, words that begin with a minus sign are arguments.
  let literal = false
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (word === '--' && !literal) {
      literal = true
      continue
    }
    if (literal || !word.startsWith('--')) {
      if (!literal && /^-[a-z]/i.test(word)) throw wrong(`unknown option ${word}`)
      const positional = positionals[next]
      if (!positional) throw wrong(`unexpected argument "${word}"`)
      const [name] = positional
      if (REPEATED.has(name)) values[name] = [...((values[name] as string[] | undefined) ?? []), word]
      else {
        values[name] = word
        next++
      }
      continue
    }
    const equals = word.indexOf('=')
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals)
    if (name === 'help') throw wrong('--help takes no value')
    const arg = Object.hasOwn(definition, name) ? definition[name] : undefined
    if (!arg || arg.type === 'positional') {
      const options = Object.keys(definition).filter((key) => definition[key]!.type !== 'positional')
      const near = nearest(name, [...options, 'help'])
      throw wrong(`unknown option --${name}${near ? `; did you mean --${near}?` : ''}`)
    }
    if (arg.type === 'boolean') {
      if (equals >= 0) throw wrong(`--${name} takes no value`)
      values[name] = true
      continue
    }
    const value = equals >= 0 ? word.slice(equals + 1) : words[++i]
    const isMissing = value === undefined || (equals < 0 && value.startsWith('--'))
    if (isMissing || (value.trim() === '' && !arg.required))
      throw wrong(`--${name} needs a value: --${name} ${hintOf(arg)}`)
    if (REPEATED.has(name)) values[name] = [...((values[name] as string[] | undefined) ?? []), value]
    else if (hintOf(arg).endsWith(SEVERAL) && name in values) values[name] = `${values[name]},${value}`
    else values[name] = value
  }
  for (const [name, arg] of positionals) {
    const value = values[name]
    if (!arg.required || (value !== undefined && MAY_BE_EMPTY.has(name))) continue
    if (value === undefined) throw wrong(`${name.toUpperCase()} is missing`)
    if (String(value).trim() === '') throw wrong(`${name.toUpperCase()} is empty`)
  }
  for (const [name, arg] of Object.entries(definition))
    if (arg.type !== 'positional' && arg.required && !values[name])
      throw wrong(`--${name} ${hintOf(arg)} is missing`)
  return values
}

const hintOf = (arg: ArgsDef[string]): string => (arg as { valueHint?: string }).valueHint ?? ''

/** The actions of a command, by their names: how each is called. */
type Usages = Readonly<Record<string, string>>

/**
 * Refuses options that an action of a command does not take.
 *
 * @param takes the actions that take an option, by its name; every action takes an option that is not named here
 * @throws UserError (exit code 2)
 */
export function refuseOthers<U extends Usages>(
  values: Values,
  action: keyof U,
  usages: U,
  takes: Readonly<Record<string, readonly (keyof U)[]>>,
): void {
  const called = (name: keyof U): string => `\`ruminate ${usages[name]}\``
  for (const [option, actions] of Object.entries(takes))
    if (values[option] !== undefined && !actions.includes(action))
      throw new UserError(
        `--${option} belongs to ${actions.map(called).join(' and ')}, not to ${called(action)}`,
        2,
      )
}

/** The values of an option that takes several; undefined if it was not given. @throws UserError for an empty one. */
export function listOption(values: Values, name: string): string[] | undefined {
  const text = textOption(values, name)
  if (text === undefined) return undefined
  const parts = text.split(',').map((part) => part.trim())
  if (parts.includes('')) throw new UserError(`--${name} ${text}: a value between commas is missing`, 2)
  return [...new Set(parts)]
}

/** Whole numbers in lo..hi in ascending order; undefined if the option was not given. */
export function integersOption(
  values: Values,
  name: string,
  lo: number,
  hi = Number.MAX_SAFE_INTEGER,
  more?: string,
): number[] | undefined {
  const numbers = listOption(values, name)?.map(
    (text) => integerOption({ [name]: text }, name, lo, hi, more)!,
  )
  return numbers && [...new Set(numbers)].sort((a, b) => a - b)
}

/**
 * A whole number in lo..hi, or undefined if the option was not given.
 *
 * @param more for the error: what else is said of the number that is wanted, such as " (the rank)"
 */
export function integerOption(
  values: Values,
  name: string,
  lo: number,
  hi = Number.MAX_SAFE_INTEGER,
  more = '',
): number | undefined {
  const range = hi === Number.MAX_SAFE_INTEGER ? `of at least ${lo}` : `from ${lo} to ${hi}`
  return numeric(
    values,
    name,
    `a whole number ${range}${more}`,
    (n) => Number.isInteger(n) && n >= lo && n <= hi,
  )
}

/** A number in lo..hi, or undefined if the option was not given. */
export const numberOption = (values: Values, name: string, lo: number, hi: number): number | undefined =>
  numeric(values, name, `a number from ${lo} to ${hi}`, (n) => n >= lo && n <= hi)

/** A number above 0 and up to 1, or with `whole: false` below 1; undefined if the option was not given. */
export const shareOption = (
  values: Values,
  name: string,
  { whole }: { whole: boolean },
): number | undefined =>
  numeric(
    values,
    name,
    `a number above 0 and ${whole ? 'of at most' : 'below'} 1`,
    (n) => n > 0 && (whole ? n <= 1 : n < 1),
  )

/** @throws UserError (exit code 2) that says what is wanted, if the option is no number or `allows` does not hold. */
function numeric(
  values: Values,
  name: string,
  wanted: string,
  allows: (value: number) => boolean,
): number | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  const value = typeof text === 'string' && text.trim() !== '' ? Number(text) : Number.NaN
  if (!allows(value)) throw new UserError(`--${name} must be ${wanted}, not ${text}`, 2)
  return value
}

/**
 * One of `choices`, or undefined if the option was not given.
 *
 * @throws UserError (exit code 2) if it is none of them.
 */
export function choiceOption<Choice extends string>(
  values: Values,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const text = textOption(values, name)
  return text === undefined ? undefined : chosen(text, name, choices)
}

/** Several of `choices`, separated by commas; otherwise like `choiceOption`. */
export const choicesOption = <Choice extends string>(
  values: Values,
  name: string,
  choices: readonly Choice[],
): Choice[] | undefined => listOption(values, name)?.map((text) => chosen(text, name, choices))

function chosen<Choice extends string>(text: string, name: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((one) => one === text)
  if (choice !== undefined) return choice
  const near = nearest(text, choices)
  throw new UserError(
    `--${name} is "${text}"; choose one of ${choices.join(', ')}${near === null ? '' : `; did you mean "${near}"?`}`,
    2,
  )
}

/** The text of an option, or undefined if it was not given. */
export function textOption(values: Values, name: string): string | undefined {
  return values[name] as string | undefined
}

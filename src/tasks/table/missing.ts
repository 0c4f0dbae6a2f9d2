import { UserError } from '../../common/errors.ts'
import { nearest } from '../../common/nearest.ts'
import { shellWord } from '../../common/shell.ts'

/** A column that is needed: what it holds, and its name. */
export type Wanted = readonly [role: string, name: string]

/** Names that other tables use for a column. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  question: ['problem', 'prompt', 'query', 'instruction', 'input'],
  answer: ['solution', 'gold', 'target', 'output', 'final_answer', 'answerKey', 'label'],
  messages: ['conversations', 'conversation'],
  prompt: ['question', 'problem', 'instruction', 'query', 'input'],
  completion: ['response', 'answer', 'solution', 'output'],
  response: ['completion', 'answer', 'solution', 'output'],
  thinking: [
    'reasoning',
    'reasoning_content',
    'rationale',
    'explanation',
    'solution',
    'chain_of_thought',
    'cot',
  ],
}
/** Roles whose names alone do not say what such a column holds. */
const DESCRIPTIONS: Readonly<Record<string, string>> = {
  chosen: 'chosen answer',
  rejected: 'rejected answer',
}

/** The column that other tables would use for a role, or null. */
export const synonymAmong = (names: readonly string[], role: string): string | null =>
  SYNONYMS[role]?.find((synonym) => names.includes(synonym)) ?? null

/**
 * The column among `free` that by its name holds how the answers are found; null if there is none.
 *
 * @throws UserError if there are several.
 */
export function thinkingAmong(path: string, free: readonly string[]): string | null {
  const known = ['thinking', ...SYNONYMS.thinking!]
  const found = free.filter((name) => known.includes(name.toLowerCase()))
  if (found.length < 2) return found[0] ?? null
  throw new UserError(
    `${path} has several columns that may hold the thinking: ${quoted(found)}. Choose one: --columns ${shellWord(`thinking=${found[0]}`)}, or --columns thinking=null for none`,
    2,
  )
}

/**
 * The error for a table that lacks some of the wanted columns: which ones, and a `--columns` option that would do.
 *
 * @param names of all columns of the table.
 * @param alternative a second value for `--columns`, if the table could also have other columns instead.
 */
export function missingColumns(
  path: string,
  names: readonly string[],
  wanted: readonly Wanted[],
  missing: readonly Wanted[],
  alternative?: string,
): UserError {
  const free = names.filter((name) => !wanted.some(([, other]) => other === name))
  const guesses = new Map<string, string | null>()
  for (const [role, name] of missing) {
    if (guesses.has(name)) continue
    const guess = nearest(name, free) ?? synonymAmong(free, role)
    if (guess !== null) free.splice(free.indexOf(guess), 1)
    guesses.set(name, guess)
  }
  const roles = [...new Set(missing.map(([role]) => role))]
  const mapping = roles.map((role) => {
    const columns = wanted
      .filter(([r]) => r === role)
      .map(([, name]) => (guesses.has(name) ? (guesses.get(name) ?? 'NAME') : name))
    return `${role}=${columns.length > 1 ? `[${columns}]` : columns}`
  })
  const guessed = [...guesses.values()].filter((name) => name !== null)
  const several = guesses.size > 1
  const advice =
    guessed.length === guesses.size
      ? `If ${quoted(guessed)} ${several ? 'are' : 'is'} meant:`
      : `Say which ${several ? 'ones hold' : 'one holds'} ${roles.map((role) => `the ${DESCRIPTIONS[role] ?? role}`).join(' and ')}:`
  return new UserError(
    `${path} has no column${several ? 's' : ''} ${quoted([...guesses.keys()])}; its columns are ${names.map((name) => `"${name}"`).join(', ')}. ` +
      `${advice} --columns ${shellWord(mapping.join(','))}${alternative === undefined ? '' : `, or --columns ${alternative}`}`,
    2,
  )
}

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(' and ')

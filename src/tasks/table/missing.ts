import { UserError } from '../../common/errors.ts'
import { nearest } from '../../common/nearest.ts'
import { shellWord } from '../../common/shell.ts'

/** A column that is asked for: what it holds, and its name. */
export type Wanted = readonly [role: string, name: string]

/** Names that other tables use for a column. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  question: ['problem', 'prompt', 'query', 'instruction', 'input'],
  answer: ['solution', 'gold', 'target', 'output', 'final_answer', 'answerKey', 'label'],
}

/** What to say of a table without some of the columns that are asked for: all of them, and which may be meant. */
export function missingColumns(
  path: string,
  names: readonly string[],
  wanted: readonly Wanted[],
  missing: readonly Wanted[],
): UserError {
  const free = names.filter((name) => !wanted.some(([, other]) => other === name))
  const meant = new Map<string, string | undefined>()
  for (const [role, name] of missing) {
    if (meant.has(name)) continue
    const found = nearest(name, free) ?? SYNONYMS[role]?.find((synonym) => free.includes(synonym))
    if (found !== undefined) free.splice(free.indexOf(found), 1)
    meant.set(name, found)
  }
  const roles = [...new Set(missing.map(([role]) => role))]
  const mapping = roles.map((role) => {
    const columns = wanted.filter(([r]) => r === role).map(([, name]) => nameIn(meant, name))
    return `${role}=${columns.length > 1 ? `[${columns}]` : columns}`
  })
  const guesses = [...meant.values()].filter((name) => name !== undefined)
  const advice =
    guesses.length === meant.size
      ? `If ${quoted(guesses)} ${guesses.length > 1 ? 'are' : 'is'} meant:`
      : `Say which ${meant.size > 1 ? 'ones hold' : 'one holds'} ${roles.map((role) => `the ${role}`).join(' and ')}:`
  return new UserError(
    `${path} has no column${meant.size > 1 ? 's' : ''} ${quoted([...meant.keys()])}; its columns are ${names.map((name) => `"${name}"`).join(', ')}. ` +
      `${advice} --columns ${shellWord(mapping.join(','))}`,
    2,
  )
}

/** The name that may be meant; NAME where none is near. */
function nameIn(meant: ReadonlyMap<string, string | undefined>, name: string): string {
  return meant.has(name) ? (meant.get(name) ?? 'NAME') : name
}

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(' and ')

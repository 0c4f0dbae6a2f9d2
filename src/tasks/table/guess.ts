import { nearest } from '../../common/nearest.ts'
import type { Columns } from './columns.ts'
import { tableFiles } from './files.ts'
import { readerOf } from './readers.ts'

/** A column that was taken for a role without having its name. */
export interface Guess {
  readonly role: Role
  readonly name: string
}

type Role = 'question' | 'answer' | 'thinking'

/** Names that tables use for a role besides the role's own, the likeliest first. In lower case. */
const NAMES: Readonly<Record<Role, readonly string[]>> = {
  question: [
    ...['problem', 'prompt', 'query', 'instruction', 'input', 'exercise', 'task', 'text', 'q'],
    ...['frage', 'aufgabe', 'pregunta', 'domanda', 'messages', 'conversations'],
  ],
  answer: [
    ...[
      'final_answer',
      'gold',
      'target',
      'ground_truth',
      'expected',
      'result',
      'label',
      'answerkey',
      'output',
    ],
    ...['response', 'a', 'antwort', 'ergebnis', 'respuesta', 'réponse', 'risposta'],
  ],
  thinking: [
    ...['solution', 'reasoning', 'rationale', 'explanation', 'chain_of_thought', 'cot', 'thought', 'working'],
    ...['steps', 'worked_solution', 'lösung', 'lösungsweg', 'rechenweg', 'rechnung', 'solución', 'soluzione'],
  ],
}
const ROLES = Object.keys(NAMES) as Role[]

/**
 * The columns of a table for a question, its answer and its worked solution, by their names: the role's own name, a name
 * that differs in case or is misspelt, or one that other tables use. Roles that the caller has given are kept.
 * `solution` is the answer of a table without another column for it, as in MATH.
 *
 * @param names of all columns of the table.
 */
export function guessColumns(
  names: readonly string[],
  given: Columns,
): { readonly columns: Columns; readonly guesses: readonly Guess[] } {
  // verl's columns are known by their names
  if (names.includes('prompt') && names.includes('reward_model')) return { columns: given, guesses: [] }
  const roles = (given.tests === undefined ? ROLES : ['question', 'thinking']) as readonly Role[]
  const free = new Set(names)
  for (const value of Object.values(given)) for (const name of [value].flat()) free.delete(name as string)
  const found = new Map<Role, string>()
  const wanted = roles.filter((role) => given[role] === undefined)
  const take = (role: Role, name: string | undefined): void => {
    if (name === undefined || found.has(role)) return
    found.set(role, name)
    free.delete(name)
  }
  // the surest first, for all roles: exact names, the same names in other case, names of other tables, misspelt names
  for (const role of wanted)
    take(
      role,
      [...free].find((name) => name === role),
    )
  for (const role of wanted)
    take(
      role,
      [...free].find((name) => plain(name) === role),
    )
  for (const role of wanted)
    for (const other of NAMES[role])
      take(
        role,
        [...free].find((name) => plain(name) === other),
      )
  for (const role of wanted)
    take(
      role,
      [...free].find((name) => nearest(plain(name), [role, ...NAMES[role]].filter(isLong)) !== null),
    )
  if (wanted.includes('answer') && !found.has('answer') && found.has('thinking')) {
    found.set('answer', found.get('thinking')!)
    found.delete('thinking')
  }
  const guesses = [...found].filter(([role, name]) => role !== name).map(([role, name]) => ({ role, name }))
  return { columns: { ...Object.fromEntries(found), ...given }, guesses }
}

/** Short names are near to many words. */
const isLong = (name: string): boolean => name.length > 4

/** " Final-Answer" → "final_answer" */
const plain = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_')

/** The columns of a table, and whether the names of its files say which questions are held out. */
export async function readColumns(
  place: string,
  notices: { readonly warn: (message: string) => void; readonly progress: (line: string) => void },
): Promise<{ readonly names: readonly string[]; readonly sides: boolean }> {
  const files = await tableFiles(place, notices)
  const [{ path }] = files as [(typeof files)[0]]
  let names: readonly string[] = []
  const rows = readerOf(path)!(path, {
    need: (all) => {
      names = all
      return all
    },
    onTorn: () => {},
    onProgress: () => {},
  })
  await rows.next()
  await rows.return(undefined)
  return { names, sides: files.some(({ side }) => side !== null) }
}

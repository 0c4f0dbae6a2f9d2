import { nearest } from '../../common/nearest.ts'
import type { Columns } from './columns.ts'
import { tableFiles } from './files.ts'
import { readerOf } from './formats/readers.ts'

/** A column that was taken for a role without having its name. */
export interface Guess {
  readonly role: Role
  readonly name: string
}

type Role = 'question' | 'answer' | 'thinking' | 'choices' | 'tests'
/** Roles that a table of any kind may have. */
type TextRole = Exclude<Role, 'choices' | 'tests'>

/** Names that tables use for a role besides the role's own, the likeliest first. In lower case. */
const NAMES: Readonly<Record<TextRole, readonly string[]>> = {
  question: [
    ...['problem', 'prompt', 'query', 'instruction', 'input', 'exercise', 'task', 'text', 'q'],
    ...['frage', 'aufgabe', 'pregunta', 'domanda', '问题', '题目', 'messages', 'conversations'],
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
    ...['correct_answer', 'correct', 'completion', '答案'],
    ...['response', 'a', 'antwort', 'ergebnis', 'respuesta', 'réponse', 'risposta'],
  ],
  thinking: [
    ...['solution', 'reasoning', 'rationale', 'explanation', 'chain_of_thought', 'cot', 'thought', 'working'],
    ...['steps', 'worked_solution', 'lösung', 'lösungsweg', 'rechenweg', 'rechnung', 'solución', 'soluzione'],
  ],
}
const ROLES = Object.keys(NAMES) as TextRole[]

/** Names of a column with a list of choices, and of one with test cases. In lower case. */
const CHOICES = ['choices', 'options']
const TESTS = ['tests', 'test_cases']

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
  const free = new Set(names)
  for (const value of Object.values(given)) for (const name of [value].flat()) free.delete(name as string)
  const choices =
    given.choices === undefined && given.tests === undefined ? choicesAmong(names, free) : undefined
  for (const name of [choices].flat()) if (name !== undefined) free.delete(name)
  // test cases replace the answer
  const isAnswer = (name: string): boolean => ['answer', ...NAMES.answer].includes(plain(name))
  const isOpen = given.tests === undefined && given.answer === undefined && ![...free].some(isAnswer)
  const tests = isOpen ? [...free].find((name) => TESTS.includes(plain(name))) : undefined
  if (tests !== undefined) free.delete(tests)
  const roles = given.tests === undefined && tests === undefined ? ROLES : (['question', 'thinking'] as const)
  const found = new Map<TextRole, string>()
  const wanted = roles.filter((role) => given[role] === undefined)
  const take = (role: TextRole, name: string | undefined): void => {
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
  const guesses: Guess[] = [...found]
    .filter(([role, name]) => role !== name)
    .map(([role, name]) => ({ role, name }))
  const others = { ...(choices !== undefined && { choices }), ...(tests !== undefined && { tests }) }
  for (const [role, name] of Object.entries(others) as [Role, string | string[]][])
    if (role !== name) guesses.push({ role, name: Array.isArray(name) ? `[${name}]` : name })
  return { columns: { ...Object.fromEntries(found), ...others, ...given }, guesses }
}

/** A column with a list of choices, or columns A, B, C … of one choice each; undefined if there are none. */
function choicesAmong(names: readonly string[], free: ReadonlySet<string>): string | string[] | undefined {
  const list = names.find((name) => free.has(name) && CHOICES.includes(plain(name)))
  if (list !== undefined) return list
  for (const form of ['', 'option_', 'choice_']) {
    const columns: string[] = []
    for (const letter of 'abcdefghij') {
      const column = names.find((name) => free.has(name) && plain(name) === form + letter)
      if (column === undefined) break
      columns.push(column)
    }
    // "Q" and "A" are a question and its answer
    if (columns.length > 1) return columns
  }
  return undefined
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

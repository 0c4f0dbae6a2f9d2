import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { z } from 'zod'
import { UserError } from '../common/errors.ts'
import { nearest } from '../common/nearest.ts'
import { refuseUnknown } from './names.ts'
import { isTree, type Tree } from './tree.ts'

export { merge, type Tree } from './tree.ts'

/**
 * Reads settings from a YAML or JSON file.
 *
 * @throws UserError if the file cannot be read or is not a mapping.
 */
export function readSettingsFile(file: string): Tree {
  let tree: unknown
  try {
    // with `<<: *name`, which takes over the settings of another part of the file
    tree = parse(readFileSync(file, 'utf8'), { merge: true })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EISDIR'
          ? 'it is a folder'
          : message.split('\n')[0]!.replace(/:$/, '')
    throw new UserError(`cannot read the settings in ${file}: ${why}`, 2)
  }
  if (!isTree(tree)) throw new UserError(`the settings in ${file} must be a mapping of names to values`, 2)
  return tree
}

/**
 * "rewards.language=0.1" → { rewards: { language: 0.1 } }. Values are read as YAML.
 *
 * @throws UserError if the text is not an assignment.
 */
export function readAssignment(text: string): Tree {
  const equals = text.indexOf('=')
  const path = text.slice(0, equals).split('.')
  if (equals < 1 || path.includes(''))
    throw new UserError(`--set ${text}: write it as path.to.setting=value`, 2)
  let value: unknown
  try {
    value = parse(text.slice(equals + 1))
  } catch {
    throw new UserError(`--set ${text}: the value cannot be read`, 2)
  }
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Tree
}

/**
 * Checks settings against their schema and fills in defaults.
 *
 * @throws UserError in one line with the setting, its value and what is allowed.
 */
export function checkSettings<S extends z.ZodType>(schema: S, tree: Tree): z.output<S> {
  refuseUnknown([schema], tree)
  const result = schema.safeParse(tree)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const path = issue.path.map(String)
  const at = path.reduce<unknown>((value, key) => (value as Tree | undefined)?.[key], tree)
  // a name that another kind has
  if (issue.code === 'unrecognized_keys') {
    const [group, name] = [path.join('.'), issue.keys[0]!]
    const { kind } = at as { readonly kind?: unknown }
    throw new UserError(
      `setting ${group}.${name} has no effect${kind === undefined ? '' : ` on ${group}.kind=${kind}`}: leave it out`,
      2,
    )
  }
  const given = at === undefined ? 'missing' : JSON.stringify(at)
  throw new UserError(`setting ${path.join('.')} is ${given}: ${expected(issue)}${meant(issue, at)}`, 2)
}

const TYPES: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'a mapping',
  record: 'a mapping',
  string: 'a text',
}

/** What is expected in the place of a wrong value: in the schema's own words, if it has any, rather than in zod's. */
function expected(issue: z.core.$ZodIssue): string {
  const { code } = issue
  if (!/^(Invalid|Too) /.test(issue.message)) return issue.message
  if (code === 'invalid_type') return `expected ${TYPES[issue.expected] ?? issue.expected}`
  if (code === 'too_small' && issue.origin === 'number')
    return `expected a number ${issue.inclusive ? 'of at least' : 'above'} ${issue.minimum}`
  if (code === 'too_big' && issue.origin === 'number')
    return `expected a number ${issue.inclusive ? 'of at most' : 'below'} ${issue.maximum}`
  if (code === 'too_small' && issue.origin === 'string') return 'expected a text that is not empty'
  if (code === 'invalid_format' && issue.format === 'date') return 'expected a date such as 2026-01-31'
  if (code === 'invalid_value') return `expected ${oneOf(issue.values)}`
  if ('options' in issue && Array.isArray(issue.options)) return `expected ${oneOf(issue.options)}`
  return issue.message.replace(/^\w/, (letter) => letter.toLowerCase())
}

/** The value among those allowed that a misspelt one probably means. */
function meant(issue: z.core.$ZodIssue, given: unknown): string {
  if (issue.code !== 'invalid_value' || typeof given !== 'string') return ''
  const near = nearest(given, issue.values.map(String))
  return near === null ? '' : `; did you mean "${near}"?`
}

const oneOf = (values: readonly unknown[]): string =>
  values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`

/** The settings that differ from the defaults, each as `path=value`. */
export function changedSettings(given: object, defaults: object, path = ''): string[] {
  return Object.entries(given).flatMap(([name, value]) => {
    const usual = (defaults as Record<string, unknown>)[name]
    if (isTree(value) && isTree(usual)) return changedSettings(value, usual, `${path}${name}.`)
    const text = (of: unknown): string => (typeof of === 'string' ? of : JSON.stringify(of))
    return JSON.stringify(value) === JSON.stringify(usual) ? [] : [`${path}${name}=${text(value)}`]
  })
}

import { readFileSync } from 'node:fs'
import { UserError } from '../common/errors.ts'
import { onFile, writeFileAtomically } from './file.ts'

/** Reads a JSON file that holds an object; a missing or damaged file is a `UserError` that names it. */
export function readJsonObject(path: string): Record<string, unknown> {
  const text = onFile('read', path, () => readFileSync(path, 'utf8'))
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new UserError(`${path} is damaged: not JSON (${(error as Error).message.split('\n')[0]})`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UserError(`${path} is damaged: a JSON object is expected`)
  return value as Record<string, unknown>
}

/** Writes JSON as Hugging Face does: indented by two, closed by a newline. */
export function writeJson(path: string, value: unknown): void {
  writeText(path, `${JSON.stringify(value, null, 2)}\n`)
}

export function writeText(path: string, text: string): void {
  writeFileAtomically(path, (append) => append(new TextEncoder().encode(text)))
}

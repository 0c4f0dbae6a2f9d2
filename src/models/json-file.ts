import { readFileSync } from 'node:fs'
import { UserError } from '../common/errors.ts'
import { onDisk } from '../common/files/disk.ts'
import { writeText } from '../common/files/files.ts'

/** Reads a JSON file that contains an object. @throws UserError for a missing or damaged file. */
export function readJsonObject(path: string): Record<string, unknown> {
  const text = onDisk('read', path, () => readFileSync(path, 'utf8'))
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

/** Writes a JSON file atomically, in Hugging Face's style: indented by two spaces, with a newline at the end. */
export function writeJson(path: string, value: unknown): void {
  writeText(path, `${JSON.stringify(value, null, 2)}\n`)
}

import { UserError } from '../common/errors.ts'

/** The error for a field of a config.json with a value that the decoder does not implement. */
export function unsupported(where: string, field: string, value: unknown, supported: string): UserError {
  return new UserError(
    `${where}: "${field}" is ${JSON.stringify(value)}, which is not supported; supported: ${supported}`,
  )
}

import { UserError } from '../../common/errors.ts'

/** A whole number of at least `least`. @throws UserError for anything else. */
export function countOf(name: string, value: number, least = 1): number {
  if (Number.isInteger(value) && value >= least) return value
  throw new UserError(`${name} must be a whole number of at least ${least}, not ${value}`, 2)
}

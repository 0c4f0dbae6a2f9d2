import { UserError } from '../../common/errors.ts'
import { FIRST_TOO_LARGE, type WritableType } from '../gguf/write/quantise.ts'
import { type Model, parameterShapes } from '../parameters.ts'

/** How weights are to be stored, and how else they could be. */
export interface Storage<Choice extends string> {
  /** What was chosen, of these. */
  readonly chosen: Choice
  readonly choices: readonly Choice[]
  /** The option that chooses, such as `--quant`, with the names of the choices in lower case. */
  readonly option: string
  /** The type of a parameter. */
  typeOf(choice: Choice, parameter: string, shape: readonly number[]): WritableType
}

/**
 * Checks, before anything is written, that the weights of a model stay finite.
 *
 * @param where the model, for messages.
 * @throws UserError that names the tensor, for a value that is NaN or infinite, or that would become infinite in its type.
 */
export function checkStorable<Choice extends string>(
  where: string,
  { config, parameters }: Model,
  { chosen, choices, option, typeOf }: Storage<Choice>,
): void {
  for (const [name, shape] of parameterShapes(config)) {
    const value = largest(parameters.get(name)!, `${where}: tensor ${name}`)
    const holds = (choice: Choice): boolean => Math.abs(value) < FIRST_TOO_LARGE[typeOf(choice, name, shape)]
    if (holds(chosen)) continue
    throw new UserError(
      `${where}: tensor ${name} has the value ${Number(value.toPrecision(6))}, which would become infinite as ${typeOf(chosen, name, shape)}: choose ${option} ${choices.filter(holds).join(' or ').toLowerCase()}`,
    )
  }
}

/** The value of the largest magnitude. @throws UserError if one is not finite. */
function largest(values: Float32Array, where: string): number {
  let found = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (!Number.isFinite(value))
      throw new UserError(
        `${where} is not finite (value ${i} is ${value}): the training diverged, or the file is damaged; choose an earlier checkpoint, or copy or download the model again`,
      )
    if (Math.abs(value) > Math.abs(found)) found = value
  }
  return found
}

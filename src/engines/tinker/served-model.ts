import { basename, sep } from 'node:path'
import { UserError } from '../../common/errors.ts'

/** What a server offers, and what is asked of it. */
interface Choice {
  /** For messages. */
  readonly server: string
  /** The server's names of its models. */
  readonly served: readonly string[]
  /** The name that the settings give, or a checkpoint; null: none. */
  readonly named: string | null
  /** The local folder of the same model. */
  readonly folder: string
}

/**
 * The server's name of the model: the one that is given, or the one that has the name of the local folder.
 *
 * @throws UserError if the server does not have it, or several are possible.
 */
export function servedModel({ server, served, named, folder }: Choice): string {
  const choice = `set tinker.model to one of ${served.slice(0, 20).join(', ')}`
  if (named !== null) {
    if (served.length > 0 && !served.includes(named))
      throw new UserError(`${server} has no model ${named}: ${choice}`)
    return named
  }
  if (served.length === 0)
    throw new UserError(`${server} does not say which models it has: set tinker.model to the name of one`)
  const same = served.filter((name) => isNameOf(name, folder))
  if (same.length === 1) return same[0]!
  if (served.length > 1)
    throw new UserError(
      `${server} has ${served.length} models, of which ${same.length === 0 ? 'none' : 'several'} may be that of ${folder}: ${choice}`,
    )
  throw new UserError(
    `${server} has the model ${served[0]}, and the tokenizer is that of ${folder}: name the folder of the same model (--model), or set tinker.model=${served[0]} if it is the same`,
  )
}

/** Is it the name of the model in a folder? Those of the hub are in `models--OWNER--NAME/snapshots/COMMIT`. */
function isNameOf(name: string, folder: string): boolean {
  if (name === folder) return true
  const cached = `models--${name.replaceAll('/', '--')}`
  return folder.split(sep).includes(cached) || name.split('/').at(-1) === basename(folder)
}

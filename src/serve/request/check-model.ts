import type { Served } from '../dialect.ts'
import { RequestError } from '../problem.ts'

/**
 * Checks the name of a model in a request. A missing name means the model that is served.
 *
 * @throws RequestError if it is another model's.
 */
export function checkModel(name: string | null | undefined, { names, anyName }: Served): void {
  if (name == null || name === '' || anyName || names.includes(name)) return
  throw new RequestError(
    'unknownModel',
    `the model ${JSON.stringify(name)} was not found; this server has ${names.join(', ')}`,
    {
      field: 'model',
    },
  )
}

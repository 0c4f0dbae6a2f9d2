import { UserError } from '../../../common/errors.ts'
import { isRecord, parseJson } from '../../../common/json.ts'
import { hashText } from '../../../common/random.ts'
import type { TextRequest } from '../../../thinking/model.ts'

/** The seed of the random stream (seed, sample), in 31 bits, because some servers read seeds as signed integers. */
export const seedOf = ({ seed, sample = 0 }: TextRequest): number =>
  sample === 0 ? seed : hashText(`${seed} ${sample}`) >>> 1

/** The text of a prefix; empty if there is none. */
export function prefixText(prefix: TextRequest['prefix']): string {
  return (prefix ?? [])
    .map((piece) => {
      if (typeof piece === 'string') return piece
      throw new UserError('a provider continues text, not tokens: give the beginning of the response as text')
    })
    .join('')
}

/** The thinking and the answer in the beginning of a response. Thinking that has not ended has no answer. */
export function beginningOf(
  text: string,
  { start, end }: { readonly start: string; readonly end: string },
): { thinking: string | null; answer: string; open: boolean } {
  const begun = text.trimStart().startsWith(start)
  const from = begun ? text.indexOf(start) + start.length : 0
  const to = text.indexOf(end, from)
  if (to >= 0) return { thinking: text.slice(from, to), answer: text.slice(to + end.length), open: false }
  return begun
    ? { thinking: text.slice(from), answer: '', open: true }
    : { thinking: null, answer: text, open: false }
}

/**
 * A call of a tool in a message of the assistant.
 *
 * @throws UserError if its arguments are not an object, or the JSON of one.
 */
export function calledFunction(call: unknown): { id: unknown; name: unknown; arguments: object } {
  const { id, function: called } = isRecord(call) ? call : {}
  const { name, arguments: given = {} } = isRecord(called) ? called : {}
  const values = typeof given === 'string' ? parseJson(given || '{}') : given
  if (isRecord(values)) return { id, name, arguments: values }
  throw new UserError(`a message calls the tool ${String(name)} with arguments that are not a JSON object`)
}

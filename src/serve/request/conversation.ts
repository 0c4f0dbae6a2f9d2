import type { Message } from '../../thinking/model.ts'
import type { AskedRequest, Served } from '../dialect.ts'
import { RequestError } from '../problem.ts'

/**
 * A conversation as a request. If its last message is the assistant's, that is the beginning of the response, which the model
 * continues.
 *
 * @throws RequestError if there is no message, or the model cannot continue a response.
 */
export function conversation(
  messages: readonly Message[],
  { can }: Served,
  field = 'messages',
): Pick<AskedRequest, 'messages' | 'prefix'> {
  const last = messages.at(-1)
  if (!last) throw new RequestError('invalid', `${field} is empty: send at least one message`, { field })
  if (last.role !== 'assistant') return { messages }
  if (!can.prefix || last.tool_calls?.length || messages.length === 1)
    throw new RequestError(
      'invalid',
      `the last of ${field} is the assistant's, which this model cannot continue: end with a message that it can answer`,
      { field },
    )
  const { start, end } = can.format.thinking
  const thought = last.reasoning_content ? `${start}\n${last.reasoning_content}\n${end}\n\n` : ''
  return { messages: messages.slice(0, -1), prefix: [`${thought}${last.content}`] }
}

import { z } from 'zod'
import type { AskedRequest, Served } from '../dialect.ts'
import { RequestError } from '../problem.ts'

/** Fields of a request that define tools, as OpenAI's chat completions has them. */
export const tools = {
  tools: z
    .array(
      z.looseObject({
        type: z.string(),
        function: z.looseObject({ name: z.string().min(1) }).nullish(),
      }),
    )
    .nullish(),
  tool_choice: z.union([z.string(), z.looseObject({ type: z.string() })]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
}
type ToolFields = z.infer<z.ZodObject<typeof tools>>

/**
 * The tools that the model is told of.
 *
 * @throws RequestError if it cannot be told of any, or is to be made to call one.
 */
export function toolsOf(body: ToolFields, served: Served): Pick<AskedRequest, 'tools'> {
  const definitions = (body.tools ?? []).map((tool, i) => {
    if (tool.type === 'function' && tool.function) return { type: 'function', function: tool.function }
    throw new RequestError('invalid', `tools[${i}]: this server has no tools of its own; define a function`, {
      field: `tools[${i}]`,
    })
  })
  return offered(definitions, body.tool_choice, served)
}

/**
 * The tools that are offered under a choice of tools: `auto` offers all, `none` none.
 *
 * @throws RequestError as above.
 */
export function offered(
  definitions: readonly object[],
  choice: unknown,
  { can }: Served,
): Pick<AskedRequest, 'tools'> {
  const kind =
    typeof choice === 'object' && choice !== null && 'type' in choice ? choice.type : (choice ?? 'auto')
  if (kind === 'none' || (kind === 'auto' && definitions.length === 0)) return {}
  if (kind !== 'auto')
    throw new RequestError(
      'invalid',
      `tool_choice ${JSON.stringify(choice)} is not supported: a model can be offered tools ("auto") or not ("none"), not made to call one`,
      { field: 'tool_choice' },
    )
  if (!can.tools)
    throw new RequestError('invalid', 'the chat template of this model defines no tools', { field: 'tools' })
  return { tools: definitions }
}

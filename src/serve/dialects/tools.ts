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
 * @throws RequestError if it cannot be told of any.
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
 * The tools that are offered under a choice of tools: `auto` offers all, `none` none. A model cannot be made to call one:
 * under a choice that asks for a call (`required`, `any`, a tool by its name) it is offered those tools alone, and may still
 * answer without a call.
 *
 * @throws RequestError if the choice is none of these or names a tool that is not defined, or the model cannot be told of
 * tools.
 */
export function offered(
  definitions: readonly ToolDefinition[],
  choice: unknown,
  { can }: Served,
): Pick<AskedRequest, 'tools'> {
  const { kind, name } = choiceOf(choice)
  const no = (message: string): never => {
    throw new RequestError('invalid', `tool_choice: ${message}`, { field: 'tool_choice' })
  }
  const asksForCall = CALLS.includes(kind)
  if (!asksForCall && kind !== 'none' && kind !== 'auto')
    no(`${JSON.stringify(kind.slice(0, 40))} is not supported: give "auto", "none", "required" or a function`)
  if (kind === 'none') return {}
  const chosen = name === null ? definitions : definitions.filter((one) => one.function.name === name)
  if (asksForCall && chosen.length === 0)
    no(name === null ? 'there are no tools to call' : `there is no tool ${JSON.stringify(name.slice(0, 80))}`)
  if (chosen.length === 0) return {}
  if (!can.tools)
    throw new RequestError('invalid', 'the chat template of this model defines no tools', { field: 'tools' })
  return { tools: chosen }
}
const CALLS = ['required', 'any', 'tool', 'function']

/** A definition of a tool in OpenAI's form. */
export interface ToolDefinition {
  readonly type: string
  readonly function: { readonly name: string; readonly [field: string]: unknown }
}

/** The kind of a choice, and the name of the tool that is to be called, which the dialects write in different places. */
function choiceOf(choice: unknown): { kind: string; name: string | null } {
  if (typeof choice !== 'object' || choice === null) return { kind: String(choice ?? 'auto'), name: null }
  const { type, name, function: called } = choice as ToolChoice
  const given = name ?? called?.name
  return { kind: String(type), name: typeof given === 'string' ? given : null }
}
interface ToolChoice {
  readonly type?: unknown
  readonly name?: unknown
  readonly function?: { readonly name?: unknown } | null
}

import { UserError } from '../common/errors.ts'
import type { TemplateSettings } from './chat-template.ts'
import { type PromptTemplate, Renderer } from './renderer.ts'

/* A run with several models has one set of arguments, of which each model's template may have others. */

type Arguments = TemplateSettings['arguments']

/** Those of the arguments that the template of the model in a folder has. */
export function argumentsOf(folder: string, given: Arguments, template?: PromptTemplate): Arguments {
  const renderer = Renderer.load(folder, { template })
  return Object.fromEntries(Object.entries(given).filter(([name]) => renderer.hasArgument(name)))
}

/** @throws UserError for an argument that the template of none of the models has. */
export function checkArguments(folders: readonly string[], given: Arguments): void {
  if (Object.keys(given).length === 0) return
  const renderers = folders.map((folder) => Renderer.load(folder))
  const unknown = Object.keys(given).find((name) => !renderers.some((one) => one.hasArgument(name)))
  if (unknown !== undefined)
    throw new UserError(
      `no chat template of the run's models has the argument "${unknown}": leave out chat.arguments.${unknown}`,
      2,
    )
}

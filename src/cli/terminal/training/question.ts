import { UserError } from '../../../common/errors.ts'
import { Renderer, type RendererOptions } from '../../../renderer/renderer.ts'
import { r1ZeroPrompt } from '../../../thinking/r1/template.ts'

/**
 * Finds the question in the prompts of a run, given the run's settings: in those of its model and template; if the model
 * is no longer there, in R1-Zero's. Where it cannot be found, it is the whole prompt.
 */
export function questionReader(settings: unknown): (prompt: string) => string {
  const render = renderOf(settings as RendererOptions & { readonly model?: unknown })
  return (prompt) => questionIn(prompt, render)
}

function renderOf({ model, ...options }: RendererOptions & { readonly model?: unknown }) {
  if (typeof model !== 'string') return r1ZeroPrompt
  try {
    const renderer = Renderer.load(model, options)
    return (question: string): string => renderer.prompt({ prompt: question }).text
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return r1ZeroPrompt
  }
}

/**
 * The question in a prompt, given the function that makes prompts: what remains without the text that the prompts of two
 * other questions begin and end with. The whole prompt if it does not begin and end like this.
 */
export function questionIn(prompt: string, render: (question: string) => string): string {
  const [a, b] = [render('1'), render('2')]
  if (a === b) return prompt.trim()
  let differs = 0
  while (a[differs] === b[differs]) differs++
  const [before, after] = [a.slice(0, differs), a.slice(differs + 1)]
  const isRendered = prompt.startsWith(before) && prompt.slice(before.length).endsWith(after)
  return (isRendered ? prompt.slice(before.length, prompt.length - after.length) : prompt).trim()
}

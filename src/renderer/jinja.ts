import { Template } from '@huggingface/jinja'

/** A chat template that can be rendered. */
export function compileTemplate(
  source: string,
): (variables: Record<string, unknown>, options: { readonly now: Date }) => string {
  const template = new Template(source)
  return (variables) => template.render(variables)
}

/*
 * Renders the templates that are written for Ollama, by the rules of Go's text/template: if, else if, range over a list with
 * two variables, pipelines of one command, and the functions and, not, eq, len and slice.
 */

type Scope = { dot: unknown; variables: Record<string, unknown> }
type Node =
  | { readonly text: string }
  | { readonly print: string }
  | { readonly assign: string; readonly value: string }
  | { readonly branches: readonly (readonly [condition: string | null, body: readonly Node[]])[] }
  | { readonly over: string; readonly names: readonly [string, string]; readonly body: readonly Node[] }

/** @throws Error for anything that it does not know. */
export function renderGoTemplate(template: string, data: unknown): string {
  const parts = template.split(/(\{\{.*?\}\})/s).filter((part) => part !== '')
  let at = 0
  /** Reads up to an `else` or `end`, which is returned with what came before. */
  const block = (): [Node[], string] => {
    const nodes: Node[] = []
    while (at < parts.length) {
      const part = parts[at++]!
      if (!part.startsWith('{{')) {
        nodes.push({ text: part })
        continue
      }
      const code = part.slice(2, -2).trim()
      if (code === 'end' || code.startsWith('else')) return [nodes, code]
      const loop = /^range (\$\w+), (\$\w+) := (.*)$/.exec(code)
      const assigned = /^(\$\w+) := (.*)$/.exec(code)
      if (code.startsWith('if ')) nodes.push({ branches: branches(code.slice('if '.length)) })
      else if (loop) {
        const [body, end] = block()
        if (end !== 'end') throw new Error(`range ends with ${end}`)
        nodes.push({ over: loop[3]!, names: [loop[1]!, loop[2]!], body })
      } else if (assigned) nodes.push({ assign: assigned[1]!, value: assigned[2]! })
      else nodes.push({ print: code })
    }
    return [nodes, '']
  }
  const branches = (first: string): [string | null, Node[]][] => {
    const found: [string | null, Node[]][] = []
    for (let condition: string | null = first; ; ) {
      const [body, end] = block()
      found.push([condition, body])
      if (end === 'end') return found
      condition = end.startsWith('else if ') ? end.slice('else if '.length) : null
    }
  }
  const [nodes, rest] = block()
  if (rest !== '') throw new Error(`${rest} without a beginning`)
  return run(nodes, { dot: data, variables: { $: data } })
}

function run(nodes: readonly Node[], scope: Scope): string {
  let output = ''
  const variables = { ...scope.variables }
  for (const node of nodes) {
    const here = { dot: scope.dot, variables }
    if ('text' in node) output += node.text
    else if ('print' in node) output += String(evaluate(node.print, here))
    else if ('assign' in node) variables[node.assign] = evaluate(node.value, here)
    else if ('branches' in node) {
      const taken = node.branches.find(
        ([condition]) => condition === null || isTrue(evaluate(condition, here)),
      )
      if (taken) output += run(taken[1], here)
    } else
      for (const [i, item] of (evaluate(node.over, here) as unknown[]).entries())
        output += run(node.body, {
          dot: item,
          variables: { ...variables, [node.names[0]]: i, [node.names[1]]: item },
        })
  }
  return output
}

/** Empty texts and lists, 0, false and what is missing are false. */
const isTrue = (value: unknown): boolean => (Array.isArray(value) ? value.length > 0 : Boolean(value))

const functions: Readonly<Record<string, (...values: unknown[]) => unknown>> = {
  and: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  not: (value) => !isTrue(value),
  eq: (a, b) => a === b,
  len: (value) => (value as unknown[]).length,
  slice: (value, from) => (value as unknown[]).slice(from as number),
}

function evaluate(code: string, scope: Scope): unknown {
  const words = code.match(/\((?:[^()]|\([^()]*\))*\)|"[^"]*"|\S+/g)!
  const [first, ...rest] = words
  if (rest.length > 0) {
    const known = functions[first!]
    if (!known) throw new Error(`unknown function ${first}`)
    return known(...rest.map((word) => evaluate(word, scope)))
  }
  if (first!.startsWith('(')) return evaluate(first!.slice(1, -1), scope)
  if (first!.startsWith('"')) return JSON.parse(first!)
  if (/^\d+$/.test(first!)) return Number(first)
  const [, variable, path] = /^(\$\w*)?((?:\.\w+)*)$/.exec(first!) ?? []
  if (path === undefined) throw new Error(`unknown term ${first}`)
  let value = variable === undefined ? scope.dot : scope.variables[variable]
  for (const name of path.split('.').slice(1)) value = (value as Record<string, unknown> | null)?.[name]
  return value ?? ''
}

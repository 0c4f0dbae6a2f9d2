import { FILTERS } from './jinja/filters.ts'
import { globals } from './jinja/globals.ts'
import { renderBody, Scope } from './jinja/render.ts'
import { parse } from './jinja/syntax/parser.ts'
import { TESTS } from './jinja/tests.ts'
import { fromJson, type Value } from './jinja/values.ts'

/** Renders a chat template with its variables. `now` is the time that `strftime_now` prints. */
export type ChatTemplate = (variables: Readonly<Record<string, unknown>>, options: { now: Date }) => string

/**
 * Compiles a chat template, which renders as in `apply_chat_template` of Transformers: Jinja 3 with `trim_blocks`,
 * `lstrip_blocks`, loop controls and the sandbox, its functions `raise_exception` and `strftime_now`, and its `tojson`.
 * What `{% generation %}` encloses is printed between the marks of generation-marks.ts.
 *
 * Left out are what needs other templates (`include`, `import`, `extends`), `autoescape`, and a few filters for web pages.
 *
 * Variables are values of JSON; those that are undefined are not defined in the template. A number that is an integer in
 * JavaScript is an integer in the template, so a float such as 1.0 in a JSON file prints as `1`; Transformers prints `1.0`.
 *
 * @throws Error with the line and the construct, for a syntax error or something that is not supported; when rendering,
 *   with the line and Python's message, or with what the template passes to `raise_exception`, unchanged.
 */
export function compileTemplate(source: string): ChatTemplate {
  const body = parse(source, { filters: FILTERS, tests: TESTS })
  return (variables, { now }) => {
    const given: [string, Value][] = Object.entries(variables)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, fromJson(value)])
    const out: string[] = []
    renderBody(body, new Scope(null, [...globals(now), ...given]), out)
    return out.join('')
  }
}

import { readFileSync, writeFileSync } from 'node:fs'
import { readMarks } from '../../src/renderer/generation-marks.ts'
import { compileTemplate } from '../../src/renderer/jinja.ts'

/** Our half of chat-templates.py: renders its cases. `npx tsx tools/golden/chat-templates.ts CASES.json OUT.json` */
interface Cases {
  readonly now: string
  readonly cases: readonly {
    readonly source: string
    readonly rows: readonly { readonly variables: Record<string, unknown> }[]
  }[]
}

const [file, out] = process.argv.slice(2) as [string, string]
const { now, cases } = JSON.parse(readFileSync(file, 'utf8')) as Cases

type Rendered = { text: string; generated: string[] } | { error: string }

function render(source: string, variables: Record<string, unknown>): Rendered {
  try {
    const spans = readMarks(compileTemplate(source)(variables, { now: new Date(now) }))
    const text = spans.map((span) => span.text).join('')
    return { text, generated: spans.filter(({ generated }) => generated).map((span) => span.text) }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

const results = cases.map(({ source, rows }) => rows.map(({ variables }) => render(source, variables)))
writeFileSync(out, JSON.stringify(results))

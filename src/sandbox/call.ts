import { type Program, RESULT_FD } from './program.ts'
import { PYTHON_CALL, pythonMain } from './python.ts'

/**
 * Calls a function of a script that has been run, and delivers the returned value as JSON. `undefined` becomes `null`; NaN,
 * infinities and BigInts throw.
 */
export const CALL_IN_JAVASCRIPT = `(async ({ call, args }, deliver) => {
  const find = (name) => (0, eval)('typeof ' + name + ' === "undefined" ? undefined : ' + name)
  const [name, method] = call.split('.')
  let [owner, key] = [find(name), method]
  if (!method && owner === undefined) [owner, key] = [find('Solution'), name]
  if (owner === undefined) throw new ReferenceError(name + ' is not defined')
  if (key && typeof owner === 'function' && key in owner.prototype) owner = new owner()
  const value = await (key ? owner[key](...args) : owner(...args))
  deliver(JSON.stringify(value === undefined ? null : value, (_, part) => {
    if (typeof part === 'number' && !Number.isFinite(part)) throw new TypeError('the result holds ' + part)
    return part
  }))
})`

/** A program that reads `{source, call, args}` from standard input, as `PYTHON_CALL` does. */
const JAVASCRIPT_CALL = `const fs = require('fs')
const { source, ...request } = JSON.parse(fs.readFileSync(0, 'utf8'))
Object.assign(globalThis, { require, module, exports })
require('vm').runInThisContext(source, 'program.js')
;${CALL_IN_JAVASCRIPT}(request, (text) => {
  fs.writeFileSync(${RESULT_FD}, text)
  process.exit(0)
})
`

/** The file that the interpreter runs, and its standard input. */
export function mainFile({ language, source, input }: Program): { main: string; stdin: string } {
  if ('stdin' in input)
    return { main: language === 'python' ? pythonMain(source) : source, stdin: input.stdin }
  return { main: language === 'python' ? PYTHON_CALL : JAVASCRIPT_CALL, stdin: requestOf(source, input) }
}

/** A script and a call of its function, as one JSON text. */
export function requestOf(source: string, { call, args }: { call: string; args: string }): string {
  return `{"source":${JSON.stringify(source)},"call":${JSON.stringify(call)},"args":${args}}`
}

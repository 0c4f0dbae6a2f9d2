import type { Language, Program } from './program.ts'

/** The file descriptor for results, apart from everything that a program prints. */
export const RESULT_FD = 3

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

/**
 * Programs that read `{source, call, args}` from standard input, run the source, make the call and write its result. They
 * then end the process, so that nothing runs after the result.
 */
const HARNESS: Record<Language, string> = {
  python: `import json, os, sys, types
request = json.load(sys.stdin)
module = sys.modules['program'] = types.ModuleType('program')
exec('from typing import *', module.__dict__)
exec(compile(request['source'], 'program.py', 'exec'), module.__dict__)
name, _, method = request['call'].partition('.')
if not method and hasattr(getattr(module, 'Solution', None), name):
    name, method = 'Solution', name
target = getattr(module, name)
if method:
    target = getattr(target() if isinstance(target, type) else target, method)
text = json.dumps(target(*request['args']), allow_nan=False)
with open(${RESULT_FD}, 'w', closefd=False) as out:
    out.write(text)
os._exit(0)
`,
  javascript: `const fs = require('fs')
const { source, ...request } = JSON.parse(fs.readFileSync(0, 'utf8'))
Object.assign(globalThis, { require, module, exports })
require('vm').runInThisContext(source, 'program.js')
;${CALL_IN_JAVASCRIPT}(request, (text) => {
  fs.writeFileSync(${RESULT_FD}, text)
  process.exit(0)
})
`,
}

/** The file that the interpreter runs, and its standard input. */
export function mainFile({ language, source, input }: Program): { main: string; stdin: string } {
  if ('stdin' in input) return { main: source, stdin: input.stdin }
  return { main: HARNESS[language], stdin: requestOf(source, input) }
}

/** A script and a call of its function, as one JSON text. */
export function requestOf(source: string, { call, args }: { call: string; args: string }): string {
  return `{"source":${JSON.stringify(source)},"call":${JSON.stringify(call)},"args":${args}}`
}

import type { Call, Language, Program } from './program.ts'

/** The file descriptor that results go to: nothing that a program prints can be taken for a result. */
export const RESULT_FD = 3

/**
 * Calls the function of a script that has run already, and delivers what it returns as JSON: `undefined` as `null`; NaN,
 * infinities and BigInts throw.
 */
export const CALL_IN_JAVASCRIPT = `(async ({ call, args }, deliver) => {
  const [name, method] = call.split('.')
  const named = (0, eval)(name)
  const owner = method && typeof named === 'function' && method in named.prototype ? new named() : named
  const value = await (method ? owner[method](...args) : named(...args))
  deliver(JSON.stringify(value === undefined ? null : value, (_, part) => {
    if (typeof part === 'number' && !Number.isFinite(part)) throw new TypeError('the result holds ' + part)
    return part
  }))
})`

/** Each reads `{source, call, args}` from standard input. It ends the process: nothing may go on after the result. */
const HARNESS: Record<Language, string> = {
  python: `import json, os, sys, types
request = json.load(sys.stdin)
module = sys.modules['program'] = types.ModuleType('program')
exec(compile(request['source'], 'program.py', 'exec'), module.__dict__)
name, _, method = request['call'].partition('.')
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

/** What the interpreter is to run, and its standard input. */
export function mainFile({ language, source, input }: Program): { main: string; stdin: string } {
  if ('stdin' in input) return { main: source, stdin: input.stdin }
  const { call, args }: Call = input
  return { main: HARNESS[language], stdin: JSON.stringify({ source, call, args }) }
}

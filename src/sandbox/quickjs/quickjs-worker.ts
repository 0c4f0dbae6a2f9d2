import { format } from 'node:util'
import { parentPort, workerData } from 'node:worker_threads'
import variant from '@jitl/quickjs-wasmfile-release-sync'
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSHandle,
  type QuickJSSyncVariant,
} from 'quickjs-emscripten-core'
import { CALL_IN_JAVASCRIPT, requestOf } from '../call.ts'
import type { Limits, Outcome, Program } from '../program.ts'
import { GLOBALS } from './quickjs-globals.ts'

/** The data with which the worker is started. */
export interface Assignment {
  readonly wasm: WebAssembly.Module
  readonly program: Program
  readonly limits: Limits
}

/** The worker's messages: first that it has started, then the outcome. */
export type Report = 'started' | Outcome

const { wasm, program, limits } = workerData as Assignment
// The package's types are those of its CommonJS build, which has a different default export.
const quickjs = await newQuickJSWASMModuleFromVariant(
  newVariant(variant as unknown as QuickJSSyncVariant, { wasmModule: wasm }),
)
const runtime = quickjs.newRuntime({
  memoryLimitBytes: limits.memoryMiB * 2 ** 20,
  maxStackSizeBytes: 2 ** 19,
})
const context = runtime.newContext()
const written = { 1: '', 2: '' }
let bytes = 0
let result: string | null = null
let ended: Outcome['end'] | null = null

parentPort!.postMessage('started' satisfies Report)
// The processor time of a single thread is not available, so the clock is used.
const deadline = performance.now() + limits.wallSeconds * 1000
runtime.setInterruptHandler(() => {
  if (performance.now() > deadline) ended ??= 'timeout'
  return ended !== null
})
try {
  main()
  ended ??= 'exit'
} catch (error) {
  // process.exit and exceeded limits are exceptions, too.
  if (ended === null) {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    written[2] += message
    ended = /out of memory/.test(message) ? 'memory' : 'failed'
  }
}
parentPort!.postMessage({
  end: ended,
  stdout: written[1],
  result,
  detail: written[2].trimEnd().split('\n').at(-1)!.slice(0, 300),
} satisfies Report)

function main(): void {
  const host = context.newObject()
  const define = (name: string, does: (...values: QuickJSHandle[]) => void) =>
    context.newFunction(name, (...values) => does(...values)).consume((f) => context.setProp(host, name, f))
  define('print', (stream, ...values) =>
    write(context.getNumber(stream!), `${format(...values.map((value) => context.dump(value)))}\n`),
  )
  define('write', (stream, text) => write(context.getNumber(stream!), context.getString(text!)))
  define('exit', (code) => {
    ended ??= code && context.typeof(code) === 'number' && context.getNumber(code) !== 0 ? 'failed' : 'exit'
    throw new Error('exit')
  })
  define('deliver', (text) => {
    result = context.getString(text!)
    bytes += result.length
    if (bytes > limits.outputKiB * 1024) ended ??= 'output'
    ended ??= 'exit'
  })
  const { input } = program
  context
    .newString('stdin' in input ? input.stdin : '')
    .consume((stdin) => context.setProp(host, 'stdin', stdin))
  const runTimer = evaluate(GLOBALS).consume((setUp) => called(setUp, host))

  evaluate(program.source).dispose()
  let outcome: QuickJSHandle | null = null
  if ('call' in input) {
    const call = context.newString(requestOf('', input)).consume((text) => {
      const json = context.getProp(context.global, 'JSON')
      return json.consume(() => context.unwrapResult(context.callMethod(json, 'parse', [text])))
    })
    outcome = evaluate(CALL_IN_JAVASCRIPT).consume((f) => called(f, call, context.getProp(host, 'deliver')))
  }
  do context.unwrapResult(runtime.executePendingJobs()).toString()
  while (ended === null && context.dump(called(runTimer)) === true)
  const state = outcome && context.getPromiseState(outcome)
  if (state?.type === 'rejected') throw context.dump(state.error)
  if (state?.type === 'pending' && ended === null) throw new Error('the call did not return')
}

function evaluate(code: string): QuickJSHandle {
  return context.unwrapResult(context.evalCode(code, 'program.js', { type: 'global' }))
}

function called(f: QuickJSHandle, ...args: QuickJSHandle[]): QuickJSHandle {
  return context.unwrapResult(context.callFunction(f, context.undefined, args))
}

function write(stream: number, text: string): void {
  if (ended !== null) return
  bytes += text.length
  if (bytes > limits.outputKiB * 1024) ended = 'output'
  else written[stream === 1 ? 1 : 2] += text
}

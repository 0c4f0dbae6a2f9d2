import { type MessagePort, workerData } from 'node:worker_threads'
import { UserError } from '../../common/errors.ts'
import { loadModel } from '../../models/directory.ts'
import { Tokenizer } from '../../models/tokenizer.ts'
import { LocalEngine } from './engine.ts'
import type { OpenOptions } from './index.ts'

/** The first message to the thread. */
export type EngineOptions = Required<OpenOptions>
/** A call from the main thread, and what goes back. */
export interface Call {
  readonly id: number
  readonly method:
    | 'forwardBackward'
    | 'forward'
    | 'optimStep'
    | 'refreshReference'
    | 'save'
    | 'load'
    | 'sample'
    | 'logprobs'
  readonly args: readonly unknown[]
}
export type Reply =
  | { readonly id: number; readonly value: unknown }
  | {
      readonly id: number
      readonly error: { readonly message: string; readonly stack: string; readonly user: boolean }
    }
  | { readonly id: number; readonly request: number; readonly index: number; readonly token: number }

const port = workerData as MessagePort

function open(options: EngineOptions): LocalEngine {
  const { model, threads } = options
  if (typeof model === 'string') {
    const { config, parameters } = loadModel(model)
    return new LocalEngine({ config, parameters, tokenizer: Tokenizer.load(model), source: model, threads })
  }
  const { config, parameters, tokenizerFrom } = model
  const tokenizer = tokenizerFrom ? Tokenizer.load(tokenizerFrom) : null
  return new LocalEngine({ config, parameters, tokenizer, source: tokenizerFrom ?? null, threads })
}

let options: EngineOptions | null = null
let engine: LocalEngine | null = null
port.on('message', (message: EngineOptions | Call) => {
  if ('model' in message) {
    options = message
    return
  }
  const { id, method, args } = message
  try {
    engine ??= open(options!)
    const call = args as never[]
    const value =
      method === 'sample'
        ? engine.sample(
            (args[0] as { prompt: Int32Array; options: never; stream: boolean }[]).map((r, request) => ({
              ...r,
              onToken: r.stream
                ? (index: number, token: number) =>
                    port.postMessage({ id, request, index, token } satisfies Reply)
                : undefined,
            })),
          )
        : (engine[method] as (...a: never[]) => unknown).apply(engine, call)
    port.postMessage({ id, value } satisfies Reply)
  } catch (error) {
    // An error's class does not survive the way to another thread.
    const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
    port.postMessage({ id, error: { message, stack, user: error instanceof UserError } } satisfies Reply)
  }
})

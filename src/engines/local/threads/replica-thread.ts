import { workerData } from 'node:worker_threads'
import { UserError } from '../../../common/errors.ts'
import { LocalModel, type LocalSpec } from '../model/local-model.ts'
import {
  type Call,
  isCancellable,
  type Opened,
  type ReplicaThreadData,
  type Reply,
  type SentRequest,
} from './messages.ts'
import { Stoppable } from './stop.ts'

/* A replica's thread: answers calls in order. */

const { port, flags } = workerData as ReplicaThreadData
const stoppable = new Stoppable(flags)
const reply = (message: Reply): void => port.postMessage(message)
let model: LocalModel | null = null
/** Can the current call be cancelled? */
let cancellable = false

function open(spec: LocalSpec): Opened {
  model = new LocalModel(spec, () => stoppable.check(cancellable))
  return { config: model.config, tokenizer: model.tokenizer !== null }
}

function perform({ id, method, args }: Call): unknown {
  cancellable = isCancellable(method)
  if (method === 'open') return open(args[0] as LocalSpec)
  if (method !== 'sample') return (model![method] as (...args: never) => unknown)(...(args as never))
  const [sent, version] = args as [readonly SentRequest[], number]
  const requests = sent.map(({ stream, sendEnds, ...request }, i) => {
    const send = (index: number, token: number | null) => reply({ id, request: i, index, token })
    return {
      ...request,
      onToken: stream ? send : undefined,
      onEnd: sendEnds ? (index: number) => send(index, null) : undefined,
    }
  })
  return model!.sample(requests, version)
}

function answer(call: Call): void {
  try {
    reply({ id: call.id, value: perform(call) })
  } catch (error) {
    const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
    reply({ id: call.id, error: { message, stack, user: error instanceof UserError } })
  }
}

port.on('message', (call: Call) => stoppable.run(() => answer(call)))

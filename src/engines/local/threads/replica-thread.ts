import { workerData } from 'node:worker_threads'
import { UserError } from '../../../common/errors.ts'
import type { ContinuousSampler } from '../continuous/sampler.ts'
import { LocalModel, type LocalSpec } from '../model/local-model.ts'
import type { SampleRequest } from '../model/sampling/drawing.ts'
import { abortedFlag } from './abort.ts'
import {
  type Call,
  isCancellable,
  type LoadReport,
  type Opened,
  type ReplicaThreadData,
  type Reply,
  type SentRequest,
} from './messages.ts'
import { Stoppable } from './stop.ts'

/* A replica's thread: answers calls in order, and computes the steps of continuous samplers between them. */

const { port, flags } = workerData as ReplicaThreadData
const stoppable = new Stoppable(flags)
let model: LocalModel | null = null
/** Can the current call be cancelled? */
let cancellable = false

/** Replies of a continuous sampler's step, which are sent together; null outside a step. */
let collected: (Reply | LoadReport)[] | null = null
const reply = (message: Reply): void => {
  if (collected) collected.push(message)
  else port.postMessage([message])
}

function open(spec: LocalSpec): Opened {
  model = new LocalModel(spec, () => stoppable.check(cancellable))
  return { config: model.config, tokenizer: model.tokenizer !== null }
}

/** Request number `i` of call `id`, which reports to the caller. */
function received(
  { stream, sendEnds, abort, ...request }: SentRequest,
  id: number,
  i: number,
): SampleRequest {
  return {
    ...request,
    onToken: stream ? (index, token, detail) => reply({ id, request: i, index, token, detail }) : undefined,
    onEnd: sendEnds ? (index) => reply({ id, request: i, index, token: null }) : undefined,
    aborted: abort && abortedFlag(abort),
  }
}

const samplers = new Map<number, ContinuousSampler>()

/** Adds a request to a continuous sampler, which answers the call. */
function join({ id, args }: Call): void {
  const [sampler, request] = args as [number, SentRequest]
  samplers.get(sampler)!.add({
    ...received(request, id, 0),
    onResult: (value) => reply({ id, value }),
    onError: (error) => fail(id, error),
  })
  stepLater()
}

let scheduled = false
/** Computes steps for as long as there are requests. Messages are received between two steps. */
function stepLater(): void {
  if (scheduled) return
  scheduled = true
  setImmediate(() => {
    scheduled = false
    stoppable.run(() => {
      cancellable = true
      for (const [sampler, continuous] of samplers) {
        if (!continuous.busy) continue
        collected = []
        continuous.step()
        collected.push({ sampler, load: continuous.load })
        port.postMessage(collected)
        collected = null
      }
      if ([...samplers.values()].some(({ busy }) => busy)) stepLater()
    })
  })
}

function perform({ id, method, args }: Call): unknown {
  cancellable = isCancellable(method)
  switch (method) {
    case 'open':
      return open(args[0] as LocalSpec)
    case 'sample': {
      const [sent, version] = args as [readonly SentRequest[], number]
      return model!.sample(
        sent.map((request, i) => received(request, id, i)),
        version,
      )
    }
    case 'openContinuous': {
      const [sampler, version, share] = args as [number, number, number]
      samplers.set(sampler, model!.continuous(version, share))
      return
    }
    case 'closeContinuous': {
      const sampler = args[0] as number
      samplers.get(sampler)?.close(new Error('the sampler was closed'))
      samplers.delete(sampler)
      return
    }
    default:
      return (model![method as keyof LocalModel] as (...args: never) => unknown)(...(args as never))
  }
}

function fail(id: number, cause: unknown): void {
  const { message, stack = '' } = cause instanceof Error ? cause : new Error(String(cause))
  reply({ id, error: { message, stack, user: cause instanceof UserError } })
}

function answer(call: Call): void {
  try {
    if (call.method === 'sampleContinuous') join(call)
    else reply({ id: call.id, value: perform(call) })
  } catch (error) {
    fail(call.id, error)
  }
}

port.on('message', (call: Call) => stoppable.run(() => answer(call)))

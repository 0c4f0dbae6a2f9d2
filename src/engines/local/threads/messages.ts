import type { MessagePort } from 'node:worker_threads'
import type { ModelConfig } from '../../../models/config.ts'
import type { SampledSequence, TokenDetail } from '../../contract.ts'
import type { ContinuousLoad } from '../continuous/sampler.ts'
import type { LocalModel, LocalSpec } from '../model/local-model.ts'
import type { SampleRequest } from '../model/sampling/drawing.ts'

/* Messages between the main thread, the thread that starts threads (spawner.ts), and the replicas' threads. */

/** To the spawner: start a thread, which reads calls from `port` and ends when `flags` say so (see stop.ts). */
export interface StartThread extends ReplicaThreadData {
  readonly thread: number
}

export interface ReplicaThreadData {
  readonly port: MessagePort
  readonly flags: SharedArrayBuffer
}

/** From the spawner: a thread has ended, by itself or because it was stopped. */
export interface ThreadEnded {
  readonly thread: number
  readonly why: string
}

/** What the main thread can call in a replica's thread: `open`, and then methods of the model. */
export interface ReplicaMethods
  extends Pick<
    LocalModel,
    | 'openTrainer'
    | 'forwardBackward'
    | 'logprobs'
    | 'prepareStep'
    | 'prepareLoad'
    | 'commit'
    | 'abandon'
    | 'hold'
    | 'drop'
    | 'save'
  > {
  /** The first call. */
  open(spec: LocalSpec): Opened
  sample(requests: readonly SentRequest[], version: number): SampledSequence[][]
  /** Opens a sampler, which is numbered by the caller, for requests that come and go: see `LocalModel.continuous`. */
  openContinuous(sampler: number, version: number, share: number): void
  /** Answered when the request has ended; other calls are answered in the meantime. */
  sampleContinuous(sampler: number, request: SentRequest): SampledSequence[]
  closeContinuous(sampler: number): void
}

/** The calls that compute without changing the weights, and can therefore be cancelled. */
export const isCancellable = (method: keyof ReplicaMethods): boolean =>
  method === 'sample' ||
  method === 'sampleContinuous' ||
  method === 'logprobs' ||
  method === 'forwardBackward'

/** A sampling request as it is sent to a replica. */
export type SentRequest = Omit<SampleRequest, 'onToken' | 'onEnd' | 'aborted'> & {
  /** Shared memory that says whether the caller has given up the request: see abort.ts. */
  readonly abort?: SharedArrayBuffer | undefined
  /** Send every new token as soon as it is drawn? */
  readonly stream: boolean
  /** Send a message for every sequence that ends? */
  readonly sendEnds: boolean
}

export interface Opened {
  readonly config: ModelConfig
  /** Is there a tokenizer, which stop strings need? */
  readonly tokenizer: boolean
}

export interface Call {
  readonly id: number
  readonly method: keyof ReplicaMethods
  readonly args: readonly unknown[]
}

/** A new token of a call that samples: of sequence `index` of request `request`. */
export interface StreamedToken {
  readonly request: number
  readonly index: number
  /** Null: the sequence has ended. */
  readonly token: number | null
  readonly detail?: TokenDetail | undefined
}

/** What a continuous sampler is doing, after each of its steps. */
export interface LoadReport {
  readonly sampler: number
  readonly load: ContinuousLoad
}

/** An error as data, since its class is lost in a message to another thread. */
export interface SentError {
  readonly message: string
  readonly stack: string
  readonly user: boolean
}

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: SentError }
  | ({ readonly id: number } & StreamedToken)

/** What a replica's thread sends at once: replies, and what a continuous sampler is doing. */
export type Replies = readonly (Reply | LoadReport)[]

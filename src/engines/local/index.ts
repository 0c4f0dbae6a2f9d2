import { availableParallelism } from 'node:os'
import type { ModelConfig } from '../../models/config.ts'
import { loadConfig } from '../../models/directory.ts'
import { countParameters } from '../../models/parameters.ts'
import type {
  Datum,
  ForwardBackwardResult,
  ForwardResult,
  SampledSequence,
  SampleOptions,
  Sampler,
  Trainer,
} from '../contract.ts'
import { gradientVectors } from './exchange.ts'
import { type Part, partitionDatums, partitionRequests } from './partition.ts'
import { Remote } from './remote.ts'
import type { SampleRequest } from './sampler.ts'

export interface OpenOptions {
  /** A Hugging Face directory, or weights in memory (with the folder of their tokenizer, if any). */
  readonly model:
    | string
    | { config: ModelConfig; parameters: Map<string, Float32Array>; tokenizerFrom?: string }
  /** Threads that compute; the number of cores unless told. Results are the same bit for bit for the same number. */
  readonly threads?: number
}

/**
 * Up to this size a model has a replica a thread, each with a part of the batch: the matrices of a small model are too
 * small to be shared among threads. A larger model is one, and the runtime's threads share its matrices.
 */
const REPLICATED_PARAMETERS = 10_000_000

/** Opens a model for training and sampling in worker threads. */
export async function openLocalTrainer({
  model,
  threads = Math.min(availableParallelism(), 8),
}: OpenOptions): Promise<Trainer> {
  const parameters = countParameters(typeof model === 'string' ? loadConfig(model) : model.config)
  const replicas = parameters <= REPLICATED_PARAMETERS ? threads : 1
  const remotes = Array.from({ length: replicas }, () => new Remote({ model, threads: threads / replicas }))
  const [first] = remotes as [Remote, ...Remote[]]
  const shared = replicas > 1 ? gradientVectors(parameters, replicas) : []
  /** Whether the replicas have published gradients since the last step. */
  let published = false
  const all = (method: 'optimStep' | 'load' | 'refreshReference', args: readonly unknown[]) =>
    Promise.all(remotes.map((remote) => remote.call(method, args)))
  let version = 0

  /** Every replica does its part of the datums; results come back in the datums' order. */
  const spread = async <R extends ForwardResult>(
    method: 'forward' | 'forwardBackward',
    datums: readonly Datum[],
    argument: unknown,
  ): Promise<{ results: R[]; of: (pick: (r: R) => Float32Array[]) => Float32Array[] }> => {
    const parts = partitionDatums(datums, replicas)
    const results = (await Promise.all(
      parts.map((part, k) => remotes[k]!.call(method, [part.map((i) => datums[i]!), argument, shared[k]])),
    )) as R[]
    return { results, of: (pick) => gather(parts, results.map(pick)) }
  }

  const sampler = (born: number): Sampler => {
    let queue: {
      request: SampleRequest
      stream: boolean
      onToken: SampleOptions['onToken']
      resolve(s: SampledSequence[]): void
      reject(e: unknown): void
    }[] = []
    const current = () => {
      if (born !== version)
        throw new Error('this sampler is of an earlier policy; ask the trainer for a new one')
    }
    const sampleAll = async (batch: typeof queue): Promise<SampledSequence[][]> => {
      const results: SampledSequence[][] = batch.map(() => [])
      const pieces = partitionRequests(
        batch.map(({ request, stream }) => ({ ...request, stream })),
        replicas,
      )
      await Promise.all(
        pieces.map(async (part, k) => {
          if (part.length === 0) return
          const sampled = (await remotes[k]!.call(
            'sample',
            [part.map(({ request }) => request)],
            ({ request, index, token }) => {
              const piece = part[request]!
              batch[piece.index]!.onToken?.((piece.request.first ?? 0) + index, token)
            },
          )) as SampledSequence[][]
          for (const [i, { request, index }] of part.entries())
            for (const [j, sequence] of sampled[i]!.entries())
              results[index]![(request.first ?? 0) + j] = sequence
        }),
      )
      return results
    }
    const flush = () => {
      const batch = queue
      queue = []
      sampleAll(batch).then(
        (results) => results.forEach((sequences, i) => void batch[i]!.resolve(sequences)),
        (error) => batch.forEach((b) => void b.reject(error)),
      )
    }
    return {
      async sample(prompt, { onToken, ...options }) {
        current()
        return new Promise((resolve, reject) => {
          if (queue.length === 0) setImmediate(flush)
          queue.push({
            request: { prompt, options },
            stream: onToken !== undefined,
            onToken,
            resolve,
            reject,
          })
        })
      },
      async logprobs(tokens) {
        current()
        return (await first.call('logprobs', [tokens])) as Float32Array
      },
    }
  }

  return {
    async forwardBackward(datums, objective) {
      const { results, of } = await spread<ForwardBackwardResult>('forwardBackward', datums, objective)
      published = true
      return {
        loss: results.reduce((sum, { loss }) => sum + loss, 0),
        flops: results.reduce((sum, { flops }) => sum + flops, 0),
        logprobs: of(({ logprobs }) => logprobs),
        entropies: of(({ entropies }) => entropies),
        clipped: of(({ clipped }) => clipped),
      }
    },
    async forward(datums, options) {
      const { of } = await spread<ForwardResult>('forward', datums, options?.weights ?? 'policy')
      return { logprobs: of(({ logprobs }) => logprobs) }
    },
    async optimStep(adam) {
      version++
      const [result] = (await all('optimStep', [adam, published ? shared : []])) as [{ gradNorm: number }]
      published = false
      return result
    },
    refreshReference: async () => void (await all('refreshReference', [])),
    save: (directory, options) => first.call('save', [directory, options ?? {}]) as never,
    async load(directory) {
      version++
      published = false
      await all('load', [directory])
    },
    sampler: async () => sampler(version),
    close: async () => void (await Promise.all(remotes.map((remote) => remote.close()))),
  }
}

/** Results of parts in the order of the whole. */
function gather<T>(parts: readonly Part[], results: readonly (readonly T[])[]): T[] {
  const whole: T[] = []
  for (const [k, part] of parts.entries()) for (const [j, i] of part.entries()) whole[i] = results[k]![j]!
  return whole
}

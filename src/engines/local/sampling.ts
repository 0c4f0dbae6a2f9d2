import type { SampledSequence, SampleOptions, Sampler } from '../contract.ts'
import { checkRequest } from '../validate.ts'
import type { Hold } from './hold.ts'
import type { SampleRequest } from './model/sampling/drawing.ts'
import { partitionRequests } from './partition.ts'
import { abortable } from './threads/abort.ts'
import type { Opened } from './threads/messages.ts'
import type { Replicas } from './threads/replicas.ts'

interface Waiting {
  readonly request: SampleRequest
  readonly onToken: SampleOptions['onToken']
  readonly onEnd: SampleOptions['onEnd']
  readonly signal: AbortSignal | undefined
  readonly abort: SharedArrayBuffer
  resolve(sequences: SampledSequence[]): void
  reject(error: unknown): void
}

/** A sampler on all replicas, with the version of the weights that `hold` holds. */
export function localSampler(replicas: Replicas, opened: Opened, hold: Hold): Sampler {
  /** Requests of this tick. */
  let waiting: Waiting[] = []

  const flush = () => {
    const batch = waiting
    waiting = []
    sampleBatch(replicas, batch, hold.version).then(
      (results) => batch.forEach(({ resolve }, i) => void resolve(results[i]!)),
      (error) => batch.forEach(({ reject }) => void reject(error)),
    )
  }
  return {
    sample: (prompt, { onToken, onEnd, signal, ...options }) =>
      hold.use(async () => {
        checkRequest(prompt, options, opened)
        return abortable(
          signal,
          (abort) =>
            new Promise((resolve, reject) => {
              if (waiting.length === 0) setImmediate(flush)
              waiting.push({ request: { prompt, options }, onToken, onEnd, signal, abort, resolve, reject })
            }),
        )
      }),
    close: () => hold.release(),
  }
}

/** Samples the sequences of each request, distributed over the replicas. */
async function sampleBatch(
  replicas: Replicas,
  batch: readonly Waiting[],
  version: number,
): Promise<SampledSequence[][]> {
  const parts = partitionRequests(
    batch.map(({ request, onToken, onEnd, signal, abort }) => ({
      ...request,
      ...(signal && { abort }),
      stream: onToken !== undefined,
      sendEnds: onEnd !== undefined,
    })),
    replicas.count,
  ).filter((part) => part.length > 0)
  const sampled = await replicas.each(
    'sample',
    parts.map((part) => [part.map(({ request }) => request), version]),
    (replica, { request: i, index: j, token, detail }) => {
      const { request, index } = parts[replica]![i]!
      const { onToken, onEnd, signal, reject } = batch[index]!
      if (signal?.aborted) return
      const sequence = (request.first ?? 0) + j
      try {
        if (token === null) onEnd?.(sequence)
        else onToken?.(sequence, token, detail)
      } catch (error) {
        reject(error)
      }
    },
  )
  const results: SampledSequence[][] = batch.map(() => [])
  for (const [k, part] of parts.entries())
    for (const [i, { request, index }] of part.entries())
      for (const [j, sequence] of sampled[k]![i]!.entries())
        results[index]![(request.first ?? 0) + j] = sequence
  return results
}

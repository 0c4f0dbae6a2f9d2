import type { SampledSequence, Sampler } from '../../contract.ts'
import { checkRequest } from '../../validate.ts'
import type { Hold } from '../hold.ts'
import { abortable, setAborted } from '../threads/abort.ts'
import type { Opened } from '../threads/messages.ts'
import type { Replicas } from '../threads/replicas.ts'
import { Router } from './route.ts'

let opened = 0

/**
 * A sampler whose requests join those being sampled and leave when they have ended, on all replicas, with the version of the
 * weights that `hold` holds. Each request is sampled by one replica.
 */
export async function continuousSampler(replicas: Replicas, model: Opened, hold: Hold): Promise<Sampler> {
  const sampler = opened++
  const router = new Router(replicas.count)
  try {
    await replicas.all('openContinuous', sampler, hold.version, 1 / replicas.count)
  } catch (error) {
    await hold.release()
    throw error
  }
  let closed: Promise<void> | null = null
  return {
    sample: (prompt, { onToken, onEnd, signal, ...options }) =>
      hold.use(async () => {
        checkRequest(prompt, options, model)
        return abortable(signal, async (abort) => {
          const { replica, done } = router.begin(prompt, options.n)
          /** What a callback threw: it fails the request. */
          let thrown: { readonly error: unknown } | null = null
          let sequences: SampledSequence[] = []
          try {
            const request = {
              prompt,
              options,
              abort,
              stream: onToken !== undefined,
              sendEnds: onEnd !== undefined,
            }
            sequences = await replicas.at(replica, 'sampleContinuous', [sampler, request], (streamed) => {
              if (signal?.aborted || thrown) return
              const { index, token, detail } = streamed
              try {
                if (token === null) onEnd?.(index)
                else onToken?.(index, token, detail)
              } catch (error) {
                thrown = { error }
                setAborted(abort)
              }
            })
          } catch (error) {
            if (!thrown) throw error
          } finally {
            done()
          }
          if (thrown) throw (thrown as { error: unknown }).error
          return sequences
        })
      }),
    load() {
      const loads = Array.from({ length: replicas.count }, (_, k) => replicas.load(k, sampler))
      const total = (name: 'running' | 'sampledTokens' | 'promptTokens' | 'cachedTokens') =>
        loads.reduce((sum, load) => sum + (load?.[name] ?? 0), 0)
      const running = Math.min(total('running'), router.outstanding)
      return {
        running,
        waiting: router.outstanding - running,
        sampledTokens: total('sampledTokens'),
        promptTokens: total('promptTokens'),
        cachedTokens: total('cachedTokens'),
      }
    },
    close() {
      closed ??= hold.release(async () => {
        if (!replicas.dead) await replicas.all('closeContinuous', sampler)
      })
      return closed
    },
  }
}

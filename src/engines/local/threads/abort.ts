/*
 * How a caller gives up a request while the thread that samples it computes: a flag in memory that both threads share, which
 * the thread reads between its steps.
 */

/**
 * Runs `work`, which gets the flag. Once `signal` is aborted, the flag is set, and the result is the signal's reason.
 *
 * @throws The reason of a signal that was aborted already; `work` is not run then.
 */
export async function abortable<T>(
  signal: AbortSignal | undefined,
  work: (abort: SharedArrayBuffer) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const abort = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  if (!signal) return work(abort)
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => {
      setAborted(abort)
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    work(abort)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort))
  })
}

export const setAborted = (abort: SharedArrayBuffer): void => void Atomics.store(new Int32Array(abort), 0, 1)

/** Reads the flag in the other thread. */
export function abortedFlag(abort: SharedArrayBuffer): () => boolean {
  const flag = new Int32Array(abort)
  return () => Atomics.load(flag, 0) === 1
}

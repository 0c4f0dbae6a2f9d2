/** A signal that is aborted as soon as one of these is, with its reason; `release` must be called when it is done with. */
export function linked(...signals: readonly (AbortSignal | undefined)[]): {
  readonly signal: AbortSignal
  readonly release: () => void
} {
  const controller = new AbortController()
  const given = signals.filter((signal) => signal !== undefined)
  const listeners = given.map((signal) => {
    const onAbort = () => controller.abort(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    return () => signal.removeEventListener('abort', onAbort)
  })
  return {
    signal: controller.signal,
    release: () => {
      for (const remove of listeners) remove()
    },
  }
}

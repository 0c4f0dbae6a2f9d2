import { useEffect, useState } from 'preact/hooks'
import { ApiError, read } from './client.ts'
import { epoch } from './live.ts'

/** What is known of something on the server. While it is read again, what was read before stays. */
export interface Resource<T> {
  readonly data: T | null
  readonly error: ApiError | null
  readonly reading: boolean
  readonly reload: () => void
}

/** Reads a path, and reads it again when it changes, when `reload` is called, or when the server has started anew. */
export function useResource<T>(path: string | null): Resource<T> {
  const [state, setState] = useState<{ path: string | null; data: T | null; error: ApiError | null }>({
    path: null,
    data: null,
    error: null,
  })
  const [turn, setTurn] = useState(0)
  const started = epoch.value
  // A new turn, or a new server, reads the same path again.
  useEffect(() => {
    if (path === null) return
    const aborter = new AbortController()
    read<T>(path, aborter.signal).then(
      (data) => setState({ path, data, error: null }),
      (error: unknown) => {
        if (aborter.signal.aborted) return
        const known = error instanceof ApiError ? error : new ApiError(0, String(error))
        setState((before) => ({ path, data: before.path === path ? before.data : null, error: known }))
      },
    )
    return () => aborter.abort()
  }, [path, turn, started])
  return {
    data: state.data,
    error: state.error,
    reading: path !== null && state.path !== path,
    reload: () => setTurn((before) => before + 1),
  }
}

import { useEffect, useRef } from 'preact/hooks'

/** Calls `react` when a value has changed; not for the first one, with which the page was read. */
export function useChange(value: string | number | boolean | undefined, react: () => void): void {
  const before = useRef(value)
  useEffect(() => {
    if (before.current === value) return
    before.current = value
    react()
  }, [value])
}

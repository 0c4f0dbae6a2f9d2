import { useLayoutEffect } from 'preact/hooks'

export type Keys = Readonly<Record<string, () => void>>

const FIELDS = 'input, select, textarea, [contenteditable]'

/** Calls a function when its key is pressed outside of a field. Keys with Ctrl, Alt or Meta are the browser's. */
export function useKeys(keys: Keys): void {
  useLayoutEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return
      if (event.target instanceof Element && event.target.closest(FIELDS)) return
      const action = keys[event.key]
      if (!action) return
      event.preventDefault()
      action()
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  })
}

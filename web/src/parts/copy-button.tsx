import { useState } from 'preact/hooks'

/** Copies a text, and says that it did. */
export function CopyButton({ label, text }: { label: string; text: () => string }) {
  const [said, setSaid] = useState<string | null>(null)
  const copy = () =>
    navigator.clipboard.writeText(text()).then(
      () => setSaid('Copied'),
      () => setSaid('The browser does not allow it'),
    )
  return (
    <button type="button" onClick={() => void copy()} onBlur={() => setSaid(null)} aria-live="polite">
      {said ?? label}
    </button>
  )
}

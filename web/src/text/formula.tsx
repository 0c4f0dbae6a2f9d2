import { useEffect, useRef, useState } from 'preact/hooks'
import { visible } from './readable.ts'

/** KaTeX and its style are loaded when the first formula is shown. */
const loadKatex = async () => {
  const [{ default: katex }] = await Promise.all([import('katex'), import('katex/dist/katex.min.css')])
  return katex
}

/** Commands that lead elsewhere, load something or set HTML. KaTeX would show their name alone. */
const REFUSED = /\\(?:href|url|includegraphics|html\w*)/
/** The longest formula that is typeset. A longer one is shown as it was written. */
const LONGEST = 2000

/**
 * A formula, typeset. One with a command that is refused, one that would grow without end, and one with an error is shown as
 * it was written.
 */
export function Formula({ latex, source, display }: { latex: string; source: string; display: boolean }) {
  const place = useRef<HTMLSpanElement>(null)
  const [isSet, setIsSet] = useState(false)
  useEffect(() => {
    let current = true
    setIsSet(false)
    if (latex.length > LONGEST || REFUSED.test(latex)) return
    loadKatex().then(
      (katex) => {
        if (!current || !place.current) return
        try {
          katex.render(latex, place.current, {
            displayMode: display,
            throwOnError: true,
            trust: false,
            strict: 'ignore',
            errorColor: 'currentColor',
            maxSize: 10,
            maxExpand: 200,
          })
          setIsSet(true)
        } catch {
          place.current.replaceChildren()
        }
      },
      () => {},
    )
    return () => {
      current = false
    }
  }, [latex, display])
  return (
    <span class="math">
      <span ref={place} />
      {!isSet && visible(source)}
    </span>
  )
}

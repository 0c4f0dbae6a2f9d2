import type Katex from 'katex'
import { useEffect, useRef, useState } from 'preact/hooks'
import { visible } from './readable.ts'

/** KaTeX and its style are loaded when the first formula is shown. */
const loadKatex = async () => {
  const [{ default: katex }] = await Promise.all([import('katex'), import('katex/dist/katex.min.css')])
  return katex
}

/** Commands that lead elsewhere, load something, set HTML, or make characters that are not seen. KaTeX would show their name alone. */
const REFUSED = /\\(?:href|url|includegraphics|html\w*|char)/
/** The longest formula that is typeset, and the deepest and largest tree of elements. A browser fails to lay out deeper ones. */
const LONGEST = 2000
const DEEPEST = 120
const LARGEST = 8000

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
    place.current?.replaceChildren()
    if (latex.length > LONGEST || REFUSED.test(latex) || visible(latex) !== latex) return
    loadKatex().then(
      (katex) => {
        const set = current ? typeset(katex, latex, display) : null
        if (set === null) return
        place.current?.replaceChildren(...set.childNodes)
        setIsSet(true)
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

/** The elements of a formula, outside of the page; null if it has an error or is too large to be shown. */
function typeset(katex: typeof Katex, latex: string, displayMode: boolean): Element | null {
  const place = document.createElement('span')
  try {
    katex.render(latex, place, {
      displayMode,
      throwOnError: true,
      trust: false,
      strict: 'ignore',
      errorColor: 'currentColor',
      maxSize: 10,
      maxExpand: 200,
    })
  } catch {
    return null
  }
  return place.getElementsByTagName('*').length <= LARGEST && depthOf(place) <= DEEPEST ? place : null
}

function depthOf(root: Element): number {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT)
  let depth = 0
  let deepest = 0
  while (true) {
    if (walker.firstChild()) {
      depth++
      deepest = Math.max(deepest, depth)
      continue
    }
    while (!walker.nextSibling()) {
      if (depth === 0) return deepest
      walker.parentNode()
      depth--
    }
  }
}

import type Katex from 'katex'
import { useEffect, useRef, useState } from 'preact/hooks'
import { visible } from './readable.ts'

/** KaTeX and its style are loaded when the first formula is shown. */
const loadKatex = async () => {
  const [{ default: katex }] = await Promise.all([import('katex'), import('katex/dist/katex.min.css')])
  return katex
}

/**
 * Commands that lead elsewhere, load something or set HTML, of which KaTeX would show the name alone; that hide text, move it over
 * other text or fill the page; and definitions, which could give these another name.
 */
const REFUSED = new RegExp(
  String.raw`\\(?:(?:${[
    'href|url|includegraphics|html[a-zA-Z]*|char',
    '[a-z]*color|colorbox|fcolorbox|[hv]?phantom|smash|raisebox|rule|Rule|genfrac|above',
    'm?kern|[hm]skip|hspace|(?:math)?[rl]lap|(?:math)?clap|neg[a-z]+space',
    '[a-z]*def|let|futurelet|global|long|[a-z]*command',
  ].join('|')})(?![a-zA-Z])|(?:!\s*\\){3}|\\\s*\[(?!\s*\d{1,2}pt\s*\]))`,
)
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
    <span class={display ? 'math display' : 'math'}>
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

import { useMemo } from 'preact/hooks'
import { Formula } from './formula.tsx'
import { pieces } from './pieces.ts'
import { visible } from './readable.ts'

/** What a model wrote: text, with its formulas typeset and its reflective words marked. It never becomes HTML. */
export function Prose({ text }: { text: string }) {
  const parts = useMemo(() => pieces(text), [text])
  return (
    <div class="prose">
      {parts.map((piece, i) => {
        if (piece.kind === 'math')
          return <Formula key={i} latex={piece.latex} source={piece.text} display={piece.display} />
        if (piece.kind === 'reflective')
          return (
            <mark key={i} class="reflective">
              {piece.text}
            </mark>
          )
        return visible(piece.text)
      })}
    </div>
  )
}

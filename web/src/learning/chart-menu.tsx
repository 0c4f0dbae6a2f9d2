import { csv, download } from '../parts/download.ts'
import type { Axis } from './axis.ts'
import type { Line } from './lines.ts'
import { range } from './range.ts'
import { asSvg } from './svg.ts'

interface Props {
  readonly title: string
  readonly lines: readonly Line[]
  readonly axis: Axis
  readonly canvas: () => HTMLCanvasElement | null
}

/** Saves a plot as a picture or its numbers as a table. */
export function ChartMenu({ title, lines, axis, canvas }: Props) {
  const name = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  const own = lines.filter(({ faint }) => !faint)
  const savePng = () =>
    canvas()?.toBlob((blob) => {
      if (blob) download(`${name}.png`, blob)
    })
  const saveCsv = () =>
    download(
      `${name}.csv`,
      csv(
        ['line', 'step', 'value'],
        own.flatMap(({ label, step, value }) =>
          step.flatMap((s, i) => (value[i] === null ? [] : [[label, s, value[i]]])),
        ),
      ),
    )
  return (
    <details class="menu">
      <summary>
        Save<span class="hidden"> {title}</span>
      </summary>
      <div>
        <button type="button" onClick={() => download(`${name}.svg`, asSvg(title, own, axis, range.value))}>
          SVG
        </button>
        <button type="button" onClick={savePng}>
          PNG
        </button>
        <button type="button" onClick={saveCsv}>
          CSV
        </button>
      </div>
    </details>
  )
}

import { styleColour } from '../learning/colours.ts'
import { csv, download } from '../parts/download.ts'

interface Props {
  readonly title: string
  readonly picture: () => SVGSVGElement | null
  readonly header: readonly string[]
  readonly rows: readonly (readonly unknown[])[]
}

/** Saves an SVG of the page as a picture, or its numbers as a table. */
export function SavePicture({ title, picture, header, rows }: Props) {
  const name = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  const save = (give: (svg: SVGSVGElement) => void) => () => {
    const svg = picture()
    if (svg) give(svg)
  }
  return (
    <details class="menu">
      <summary>
        Save<span class="hidden"> {title}</span>
      </summary>
      <div>
        <button type="button" onClick={save((svg) => download(`${name}.svg`, alone(svg)))}>
          SVG
        </button>
        <button
          type="button"
          onClick={save((svg) => void asPng(svg).then((png) => download(`${name}.png`, png)))}
        >
          PNG
        </button>
        <button type="button" onClick={() => download(`${name}.csv`, csv(header, rows))}>
          CSV
        </button>
      </div>
    </details>
  )
}

/** An SVG that does not need the page's style. */
function alone(svg: SVGSVGElement): Blob {
  const copy = svg.cloneNode(true) as SVGSVGElement
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  copy.setAttribute('viewBox', `0 0 ${svg.clientWidth} ${svg.clientHeight}`)
  copy.setAttribute('color', styleColour('ink'))
  copy.setAttribute('font-family', 'system-ui, sans-serif')
  const ground = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
  ground.setAttribute('width', '100%')
  ground.setAttribute('height', '100%')
  ground.setAttribute('fill', styleColour('paper'))
  copy.prepend(ground)
  for (const link of copy.querySelectorAll('a')) link.removeAttribute('href')
  return new Blob([new XMLSerializer().serializeToString(copy)], { type: 'image/svg+xml' })
}

/** Twice as large as on the page. */
async function asPng(svg: SVGSVGElement): Promise<Blob> {
  const address = URL.createObjectURL(alone(svg))
  try {
    const image = new Image()
    image.src = address
    await image.decode()
    const canvas = document.createElement('canvas')
    canvas.width = 2 * svg.clientWidth
    canvas.height = 2 * svg.clientHeight
    canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height)
    return await new Promise((resolve, reject) =>
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the browser draws no PNG')))),
    )
  } finally {
    URL.revokeObjectURL(address)
  }
}

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { initWasm, Resvg } from '@resvg/resvg-wasm'

const require = createRequire(import.meta.url)
const FONTS = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf']
/** Pixels of the picture per unit of the drawing. */
const SCALE = 2

let ready: Promise<Uint8Array[]> | null = null

/** Loads the renderer and the fonts, once. */
const load = (): Promise<Uint8Array[]> => {
  ready ??= initWasm(readFileSync(require.resolve('@resvg/resvg-wasm/index_bg.wasm'))).then(() =>
    FONTS.map((font) => readFileSync(require.resolve(`dejavu-fonts-ttf/ttf/${font}`))),
  )
  return ready
}

/** A drawing as a PNG on white, for places that show no SVG. */
export async function toPng(svg: string): Promise<Uint8Array> {
  const fontBuffers = await load()
  const drawing = new Resvg(svg, {
    background: 'white',
    fitTo: { mode: 'zoom', value: SCALE },
    font: { fontBuffers, defaultFontFamily: 'DejaVu Sans', sansSerifFamily: 'DejaVu Sans' },
  })
  return drawing.render().asPng()
}

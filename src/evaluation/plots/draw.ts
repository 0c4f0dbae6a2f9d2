import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomically, writeText } from '../../common/files/files.ts'
import type { Results } from '../results.ts'
import { drawFigure } from './figure.ts'
import { FIGURES } from './figures.ts'
import { toPng } from './png.ts'

/**
 * Draws the pictures of an evaluation into its folder, each as SVG and PNG. A picture that would have a single point is not
 * drawn, and one of an earlier command is removed.
 *
 * @returns the names of the SVG files.
 * @throws UserError if the disk fails.
 */
export async function drawFigures(folder: string, results: Results): Promise<string[]> {
  const drawn: string[] = []
  for (const [name, of] of Object.entries(FIGURES)) {
    const [svg, png] = [join(folder, `${name}.svg`), join(folder, `${name}.png`)]
    const figure = of(results)
    if (figure === null) {
      for (const old of [svg, png]) rmSync(old, { force: true })
      continue
    }
    writeText(svg, drawFigure(figure))
    const picture = await toPng(drawFigure(figure, 'light'))
    writeFileAtomically(png, (append) => append(picture))
    drawn.push(`${name}.svg`)
  }
  return drawn
}

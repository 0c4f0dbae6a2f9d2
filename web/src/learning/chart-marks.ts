import type uPlot from 'uplot'
import type { RunEvent, Section } from '../api/types.ts'
import type { Axis } from './axis.ts'
import { styleColour } from './colours.ts'

/** A step that the text beside the plot tells of. */
export interface Moment {
  readonly step: number
  readonly name: string
}

/** Draws the stages of a run behind the lines: every second one shaded, each with its name. */
export function drawSections(plot: uPlot, sections: readonly Section[], { toX }: Axis): void {
  inside(plot, ({ ctx, bbox }) => {
    const [band, quiet] = [styleColour('band'), styleColour('quiet')]
    const margin = 4 * devicePixelRatio
    const placed = sections.map(({ name, from, to }) => ({
      name,
      left: plot.valToPos(toX(from), 'x', true),
      right: plot.valToPos(toX(to), 'x', true),
    }))
    ctx.fillStyle = band
    for (const [i, { left, right }] of placed.entries())
      if (i % 2 === 0) ctx.fillRect(left, bbox.top, right - left, bbox.height)
    ctx.fillStyle = quiet
    for (const { name, left, right } of placed)
      if (ctx.measureText(name).width + 2 * margin < right - left)
        ctx.fillText(name, left + margin, bbox.top + margin)
  })
}

/** Draws a dashed line, with its name, at each moment. */
export function drawMoments(plot: uPlot, moments: readonly Moment[], { toX }: Axis): void {
  inside(plot, ({ ctx, bbox }) => {
    ctx.strokeStyle = styleColour('ink')
    ctx.fillStyle = styleColour('ink')
    ctx.lineWidth = devicePixelRatio
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio])
    for (const [i, { step, name }] of moments.entries()) {
      const x = plot.valToPos(toX(step), 'x', true)
      ctx.beginPath()
      ctx.moveTo(x, bbox.top)
      ctx.lineTo(x, bbox.top + bbox.height)
      ctx.stroke()
      ctx.fillText(name, x + 5 * devicePixelRatio, bbox.top + (3 + 16 * i) * devicePixelRatio)
    }
  })
}

/** Draws a line with a triangle on its top at each alarm. */
export function drawAlarms(plot: uPlot, alarms: readonly RunEvent[], { toX }: Axis): void {
  inside(plot, ({ ctx, bbox }) => {
    const size = 5 * devicePixelRatio
    ctx.strokeStyle = styleColour('alarm')
    ctx.fillStyle = styleColour('alarm')
    ctx.lineWidth = devicePixelRatio
    for (const { step } of alarms) {
      const x = plot.valToPos(toX(step), 'x', true)
      ctx.beginPath()
      ctx.moveTo(x, bbox.top)
      ctx.lineTo(x, bbox.top + bbox.height)
      ctx.stroke()
      ctx.beginPath()
      ctx.moveTo(x - size, bbox.top)
      ctx.lineTo(x + size, bbox.top)
      ctx.lineTo(x, bbox.top + 1.6 * size)
      ctx.fill()
    }
  })
}

/** Draws within the frame of the plot. */
function inside(plot: uPlot, draw: (plot: uPlot) => void): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`
  ctx.textAlign = 'left'
  ctx.textBaseline = 'top'
  draw(plot)
  ctx.restore()
}

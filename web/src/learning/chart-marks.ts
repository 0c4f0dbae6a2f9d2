import type uPlot from 'uplot'
import type { RunEvent, Section } from '../api/types.ts'
import type { Axis } from './axis.ts'
import { styleColour } from './colours.ts'

/** Draws the stages of a run behind the lines: every second one shaded, each with its name. */
export function drawSections(plot: uPlot, sections: readonly Section[], { toX }: Axis): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`
  ctx.textBaseline = 'top'
  for (const [i, { name, from, to }] of sections.entries()) {
    const left = plot.valToPos(toX(from), 'x', true)
    const right = plot.valToPos(toX(to), 'x', true)
    if (i % 2 === 0) {
      ctx.fillStyle = styleColour('band')
      ctx.fillRect(left, bbox.top, right - left, bbox.height)
    }
    ctx.fillStyle = styleColour('quiet')
    if (ctx.measureText(name).width < right - left) ctx.fillText(name, left + 4, bbox.top + 3)
  }
  ctx.restore()
}

/** Draws a line with a triangle on its top at each alarm. */
export function drawMarks(plot: uPlot, alarms: readonly RunEvent[], { toX }: Axis): void {
  if (alarms.length === 0) return
  const { ctx, bbox } = plot
  const size = 5 * devicePixelRatio
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
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
  ctx.restore()
}

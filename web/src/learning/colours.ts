import { signal } from '@preact/signals'

const media = matchMedia('(prefers-color-scheme: dark)')

/** Is the page dark? Canvases must be drawn again when that changes. */
export const dark = signal(media.matches)
media.addEventListener('change', ({ matches }) => {
  known.clear()
  dark.value = matches
})

/** Colours of lines that people with a colour deficiency can tell apart (after Okabe and Ito), for either background. */
const LIGHT = ['#0b62b0', '#b34700', '#007a59', '#a3407f', '#6b5d00', '#4b4bb5', '#00718a', '#8a1f2b']
const DARK = ['#6cb6ff', '#ff9e57', '#4fd1a5', '#f19ccf', '#e3cf4b', '#b0aaff', '#5fd3ea', '#ff8d8d']

export const lineColour = (i: number): string => {
  const colours = dark.value ? DARK : LIGHT
  return colours[i % colours.length]!
}

/** Colours of the style, which a plot asks for in every frame. */
const known = new Map<string, string>()

/** The value of a colour of the style, for a canvas. */
export function styleColour(name: string): string {
  const before = known.get(name)
  if (before !== undefined) return before
  const probe = document.createElement('span')
  probe.style.color = `var(--${name})`
  document.body.append(probe)
  const colour = getComputedStyle(probe).color
  probe.remove()
  known.set(name, colour)
  return colour
}

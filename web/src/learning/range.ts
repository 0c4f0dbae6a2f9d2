import { signal } from '@preact/signals'

/** The steps that all plots show; null for all of them. */
export type Range = readonly [from: number, to: number]

export const range = signal<Range | null>(null)

/** The steps that can be shown, which the moves below stay within. */
export const bounds = signal<Range>([0, 1])

const now = (): Range => range.value ?? bounds.value

/** Zooms around the middle: a factor of 0.5 shows half as much. What would be more than everything is everything. */
export function zoom(factor: number, around?: number): void {
  const [from, to] = now()
  const middle = around ?? (from + to) / 2
  show([middle - (middle - from) * factor, middle + (to - middle) * factor])
}

/** Moves by a share of what is shown. */
export function move(share: number): void {
  const [from, to] = now()
  const [first, last] = bounds.value
  const wanted = share * (to - from)
  const by = Math.min(Math.max(wanted, first - from), last - to)
  show([from + by, to + by])
}

export function show([from, to]: Range): void {
  const [first, last] = bounds.value
  const [low, high] = [Math.max(first, from), Math.min(last, to)]
  if (high - low < 1) return
  range.value = low <= first && high >= last ? null : [low, high]
}

export const showAll = (): void => {
  range.value = null
}

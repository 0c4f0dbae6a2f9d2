import type { CellResult } from '../results.ts'

/** What tells the lines of a picture apart: what differs among the cells. */
export function namesOf(
  cells: readonly CellResult[],
  leaveOut: readonly (keyof CellResult)[],
): (cell: CellResult) => string {
  const varies = (field: keyof CellResult): boolean =>
    !leaveOut.includes(field) && new Set(cells.map((cell) => cell[field])).size > 1
  return (cell) => {
    const parts = [
      ...(varies('model') ? [cell.model] : []),
      ...(varies('task') ? [cell.task] : []),
      ...(varies('strategy') ? [cell.strategy] : []),
      ...(varies('budget') ? [cell.budget === null ? 'no limit' : `≤ ${cell.budget} tokens`] : []),
      ...(varies('effort') ? [`effort ${cell.effort ?? 'as it is'}`] : []),
    ]
    return parts.join(', ') || cell.model
  }
}

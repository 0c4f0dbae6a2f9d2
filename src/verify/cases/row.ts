/** A gold answer, answers that are equal to it, and answers that are not. */
export type Row = readonly [gold: string, right: readonly string[], wrong: readonly string[]]

/** Backslashes as they stand. */
export const r = String.raw

/** A gold answer, answers that are equal to it, and answers that are not. */
export type Row = readonly [gold: string, right: readonly string[], wrong: readonly string[]]

/** Keeps backslashes as they are written. */
export const r = String.raw

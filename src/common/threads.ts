import { availableParallelism } from 'node:os'

/** The number of compute threads unless a setting says otherwise: one per core, at most 8. */
export const defaultThreads = (): number => Math.min(availableParallelism(), 8)

import { shellWord } from '../common/shell.ts'

/** Thrown when an aborted run has stopped after a step and, if it writes checkpoints, has written one. */
export class Interrupted extends Error {
  override name = 'Interrupted'
  constructor(
    readonly runDirectory: string,
    readonly step: number,
  ) {
    super(`interrupted at step ${step}; \`ruminate resume ${shellWord(runDirectory)}\` continues from there`)
  }
}

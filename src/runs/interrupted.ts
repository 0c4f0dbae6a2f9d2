/** Training was asked to stop, did so at the end of a step, and wrote a checkpoint where one can be resumed. */
export class Interrupted extends Error {
  override name = 'Interrupted'
  constructor(
    readonly runDirectory: string,
    readonly step: number,
  ) {
    super(`interrupted at step ${step}; \`ruminate resume ${runDirectory}\` goes on from there`)
  }
}

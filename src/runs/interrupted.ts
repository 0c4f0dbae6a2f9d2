import { Stopped } from '../common/errors.ts'
import { pathFromHere } from '../common/files/paths.ts'
import { shellWord } from '../common/shell.ts'

/** Thrown when an aborted run has stopped and, if it writes checkpoints, has one of its last completed step. */
export class Interrupted extends Stopped {
  override name = 'Interrupted'
  constructor(
    readonly runDirectory: string,
    readonly step: number,
    /** The stage that was stopped at this step, in a run of several stages. */
    readonly stage: string | null = null,
  ) {
    const where = stage === null ? `at step ${step}` : `in ${stage}${step > 0 ? `, step ${step}` : ''}`
    super(
      `interrupted ${where}; \`ruminate resume ${shellWord(pathFromHere(runDirectory))}\` continues there`,
    )
  }
}

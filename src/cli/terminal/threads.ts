import { availableParallelism } from 'node:os'
import { plural } from '../../common/words.ts'
import type { Output } from './output.ts'

/** Warns if there are more compute threads than cores. */
export function warnOfThreads(output: Output, threads: number): void {
  const cores = availableParallelism()
  if (threads > cores)
    output.warnOnce(
      `${plural(threads, 'thread')} on ${plural(cores, 'core')}: this is slower than --threads ${cores}. A run keeps its number of threads when it is resumed, since its results depend on it`,
    )
}

import pc from 'picocolors'
import { printable } from '../../common/printable.ts'
import type { verify } from '../../verify/index.ts'
import type { Output } from './output.ts'

/** A verdict, and the answer that was found in the given text, where it is not all of it. */
export function showVerdict(
  output: Output,
  { equal, reason }: ReturnType<typeof verify>,
  text: string,
  found: string | null,
): void {
  output.emit({ type: 'result', equal, reason })
  if (output.json) return
  const word = equal === null ? pc.yellow('unknown') : equal ? pc.green('equal') : pc.red('different')
  const why = reason === 'equal' ? '' : `  ${pc.dim(printable(reason))}`
  output.prose(`${word}${why}`)
  if (found !== null && found !== text.trim()) output.say(pc.dim(`the answer: ${printable(found)}`))
}

import pc from 'picocolors'
import type { Check } from '../checks.ts'
import type { Output } from './output.ts'
import { wrap } from './width.ts'

const STATUS: Record<Check['status'], string> = {
  ok: pc.green('ok    '),
  skip: pc.yellow('skip  '),
  failed: pc.red('FAILED'),
}

/** Column of the findings. */
const DETAIL = 27

/** One check of `doctor`: its status, its name and what it found, which is continued in the same column. */
export function showCheck(output: Output, check: Check): void {
  output.emit({ type: 'check', ...check })
  if (output.json) return
  const head = `${STATUS[check.status]} ${check.name.padEnd(DETAIL - 8)} `
  const narrow = output.width < 60
  const margin = narrow ? 7 : DETAIL
  const detail = wrap(check.detail, output.width - margin).replaceAll('\n', `\n${' '.repeat(margin)}`)
  output.result(narrow ? `${head.trimEnd()}\n${' '.repeat(margin)}${detail}` : head + detail)
}

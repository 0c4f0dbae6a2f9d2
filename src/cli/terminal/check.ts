import pc from 'picocolors'
import type { Check } from '../checks.ts'
import type { Output } from './output.ts'

const STATUS: Record<Check['status'], string> = {
  ok: pc.green('ok    '),
  skip: pc.yellow('skip  '),
  failed: pc.red('FAILED'),
}

/** One check of `doctor` on one line. */
export function showCheck(output: Output, check: Check): void {
  output.emit({ type: 'check', ...check })
  if (!output.json) output.result(`${STATUS[check.status]} ${check.name.padEnd(19)} ${check.detail}`)
}

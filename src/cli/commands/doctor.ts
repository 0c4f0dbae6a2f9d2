import { defineCommand } from 'citty'
import { versions } from '../../common/files/package.ts'
import { plural } from '../../common/words.ts'
import { checkMachine } from '../checks.ts'
import { showCheck } from '../terminal/check.ts'
import { command } from '../terminal/command.ts'
import { outputOf, outputOptions } from '../terminal/options.ts'

export const doctor = command(
  defineCommand({
    meta: {
      name: 'doctor',
      description: 'Check that this machine can train: Node, ONNX Runtime, SQLite, memory, disk, sandboxes',
    },
    args: outputOptions,
  }),
  async (values) => {
    const output = outputOf(values)
    let failed = 0
    for await (const check of checkMachine()) {
      showCheck(output, check)
      if (check.status === 'failed') failed++
    }
    const ok = failed === 0
    output.emit({ type: 'result', ok, versions: versions() })
    if (!output.json)
      output.result(
        `\n${ok ? 'This machine can train.' : `This machine cannot train yet: ${plural(failed, 'check')} failed.`}`,
      )
    return ok ? 0 : 1
  },
)

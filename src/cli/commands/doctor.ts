import { defineCommand } from 'citty'
import { versions } from '../../common/package.ts'
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
    let ok = true
    for await (const check of checkMachine()) {
      showCheck(output, check)
      ok &&= check.status !== 'failed'
    }
    output.emit({ type: 'result', ok, versions: versions() })
    return ok ? 0 : 1
  },
)

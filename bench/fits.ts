import { spawnSync } from 'node:child_process'
import { totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { UserError } from '../src/common/errors.ts'
import { loadConfig } from '../src/models/checkpoint/directory.ts'
import { countParameters } from '../src/models/parameters.ts'
import { THREADS } from './compare.ts'
import { METHODS, type Measured, WORK } from './fits-step.ts'
import { benchModel } from './model.ts'

/** What the rows of the table are called, by the size of the model. */
const SIZES: Readonly<Record<string, string>> = {
  miniature: 'the miniature',
  '25M': '8 layers of width 512',
  '135M': 'the shape of SmolLM2-135M',
  '0.5B': 'the shape of Qwen2.5-0.5B',
  '1.5B': 'the shape of Qwen2.5-1.5B',
}
/** Of larger models, adapters alone are trained: all weights with their moments would not fit into most machines. */
const ALL_WEIGHTS = 1e9
const STEP = fileURLToPath(new URL('fits-step.ts', import.meta.url))

/**
 * The peak memory and the time of a training step, as rows of a Markdown table: for a model's folder, for one size, or
 * for every size.
 */
export function fits({ model, size }: { model?: string | undefined; size?: string | undefined }): void {
  console.log(`${(totalmem() / 2 ** 30).toFixed(0)} GiB of memory, ${THREADS} threads`)
  for (const [method, work] of Object.entries(WORK)) console.log(`${method}: ${work}`)
  console.log('\n| model | method | peak memory | time per step |\n|---|---|---|---|')
  for (const name of [model ?? size ?? Object.keys(SIZES)].flat()) {
    const folder = model ?? benchModel(name).directory
    const count = countParameters(loadConfig(folder))
    const parameters = `${Number((count / 1e6).toPrecision(3))}M parameters`
    for (const method of METHODS) {
      if (count > ALL_WEIGHTS && !method.includes('lora')) continue
      const { seconds, peakGiB } = measure(folder, method)
      console.log(
        `| ${SIZES[name] ?? name}: ${parameters} | \`${method}\` | ${peakGiB.toFixed(1)} GiB | ${seconds < 10 ? seconds.toPrecision(2) : seconds.toFixed(0)} s |`,
      )
    }
  }
}

/** One training in a process of its own, whose peak memory is that of the training alone. */
function measure(folder: string, method: string): Measured {
  const { status, signal, stdout } = spawnSync(process.execPath, ['--import', 'tsx', STEP, folder, method], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0)
    throw new UserError(
      `${method} with ${folder} ended with ${signal ?? `exit code ${status}`}: not enough memory?`,
    )
  return JSON.parse(stdout)
}

import { defineCommand } from 'citty'
import { UserError } from '../../common/errors.ts'
import { resumeDistill } from '../../recipes/distill.ts'
import { resumePretrain } from '../../recipes/pretrain.ts'
import { resumeR1 } from '../../recipes/r1.ts'
import { resumeReward } from '../../recipes/reward.ts'
import { resumeSft } from '../../recipes/sft.ts'
import { resumeZero } from '../../recipes/zero.ts'
import type { RunInfo } from '../../runs/rows.ts'
import { RunStore } from '../../runs/store.ts'
import { command } from '../command.ts'
import { textOption } from '../terminal/arguments.ts'
import { interruptible } from '../terminal/interrupt.ts'
import { outputOf, outputOptions } from '../terminal/options.ts'
import type { Output } from '../terminal/output.ts'
import { finishZero } from '../terminal/zero-summary.ts'
import { finishDistill, watchDistill } from './distill.ts'
import { finishPretrain, watchPretrain } from './pretrain.ts'
import { finishR1, watchR1 } from './r1.ts'
import { finishReward, watchReward } from './reward.ts'
import { finishSft, watchSft } from './sft.ts'
import { watchZero } from './zero.ts'

export const resume = command(
  defineCommand({
    meta: { name: 'resume', description: 'Go on with a run that was stopped, from its last checkpoint' },
    args: {
      run: { type: 'positional', required: true, description: 'folder of the run' },
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const directory = textOption(values, 'run')!
    const info = readInfo(directory)
    if (info.status === 'done')
      throw new UserError(`${directory} is done; \`ruminate runs show ${directory}\` shows it`)
    const go = RECIPES[info.recipe]
    if (!go) throw new UserError(`${directory} is a run of "${info.recipe}", which cannot be resumed`)
    await interruptible(output, (signal) => go(output, info, signal))
  },
)

const RECIPES: Record<string, (output: Output, info: RunInfo, signal: AbortSignal) => Promise<void>> = {
  async zero(output, { directory, settings }, signal) {
    const { steps } = settings as { steps: number }
    finishZero(output, await resumeZero(directory, watchZero(output, steps, signal)))
  },
  async r1(output, { directory }, signal) {
    finishR1(output, await resumeR1(directory, watchR1(output, signal)))
  },
  async distill(output, { directory }, signal) {
    finishDistill(output, await resumeDistill(directory, watchDistill(output, signal)))
  },
  async sft(output, { directory }, signal) {
    finishSft(output, await resumeSft(directory, watchSft(output, signal)))
  },
  async reward(output, { directory }, signal) {
    finishReward(output, await resumeReward(directory, watchReward(output, signal)))
  },
  async pretrain(output, { directory, settings }, signal) {
    const { tokens } = settings as { tokens: number }
    finishPretrain(output, await resumePretrain(directory, watchPretrain(output, tokens, signal)))
  },
}

function readInfo(directory: string): RunInfo {
  const store = RunStore.open(directory)
  try {
    return store.info()
  } finally {
    store.close()
  }
}

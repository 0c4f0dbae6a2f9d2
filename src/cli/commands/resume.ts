import { defineCommand } from 'citty'
import { UserError } from '../../common/errors.ts'
import { pathFromHere } from '../../common/files/paths.ts'
import { shellWord } from '../../common/shell.ts'
import { modelFolder } from '../../hub/find-model.ts'
import { resumeDistill } from '../../recipes/distill.ts'
import { resumeDpo } from '../../recipes/dpo.ts'
import { resumePretrain } from '../../recipes/pretrain.ts'
import { resumeR1 } from '../../recipes/r1.ts'
import { resumeReward } from '../../recipes/reward.ts'
import { resumeSft } from '../../recipes/sft.ts'
import { resumeZero } from '../../recipes/zero.ts'
import { findRun } from '../../runs/find-run.ts'
import { checkModelIsThere, moveModel } from '../../runs/move-model.ts'
import type { RunInfo } from '../../runs/rows.ts'
import { readInfo } from '../../runs/store.ts'
import { textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { outputOf, outputOptions } from '../terminal/options.ts'
import type { Output } from '../terminal/output.ts'
import { showResume } from '../terminal/runs/resume.ts'
import { summarizeDistill, watchDistill } from '../terminal/training/distill.ts'
import { summarizeDpo, watchDpo } from '../terminal/training/dpo.ts'
import { besideOptions } from '../terminal/training/options.ts'
import { summarizePretrain, watchPretrain } from '../terminal/training/pretrain.ts'
import { summarizeR1, watchR1 } from '../terminal/training/r1.ts'
import { summarizeReward, watchReward } from '../terminal/training/reward.ts'
import { summarizeSft, watchSft } from '../terminal/training/sft.ts'
import { train } from '../terminal/training/train.ts'
import { summarizeZero, watchZero } from '../terminal/training/zero.ts'

export const resume = command(
  defineCommand({
    meta: { name: 'resume', description: 'Continue a run that was stopped, from its last checkpoint' },
    args: {
      run: { type: 'positional', required: true, description: 'folder of the run, or its name in runs/' },
      dir: { type: 'string', valueHint: 'DIR', description: 'folder that holds the runs (default: runs)' },
      model: {
        type: 'string',
        valueHint: 'DIR|GGUF|HUB_ID',
        description: 'where the model is now that the run trains, if it has been moved',
      },
      ...besideOptions,
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const name = textOption(values, 'run')!
    const directory = findRun(name, textOption(values, 'dir'))
    const info = readInfo(directory)
    const path = pathFromHere(directory)
    if (info.status === 'done')
      throw new UserError(`${path} is done; \`ruminate runs show ${shellWord(path)}\` shows it`)
    const go = RECIPES[info.recipe]
    if (!go) throw new UserError(`${path} is a run of "${info.recipe}", which cannot be resumed`)
    const model = textOption(values, 'model')
    if (model !== undefined) await moveModel(directory, await modelFolder(model, (line) => output.live(line)))
    checkModelIsThere(directory)
    showResume(output, info, name)
    await train(output, values, (signal) => go(output, info, signal), directory)
  },
)

const RECIPES: Record<string, (output: Output, info: RunInfo, signal: AbortSignal) => Promise<void>> = {
  async zero(output, { directory, settings }, signal) {
    const { steps } = settings as { steps: number }
    summarizeZero(output, await resumeZero(directory, watchZero(output, steps, signal)))
  },
  async r1(output, { directory }, signal) {
    summarizeR1(output, await resumeR1(directory, watchR1(output, signal)))
  },
  async distill(output, { directory }, signal) {
    summarizeDistill(output, await resumeDistill(directory, watchDistill(output, signal)))
  },
  async sft(output, { directory }, signal) {
    summarizeSft(output, await resumeSft(directory, watchSft(output, signal)))
  },
  async reward(output, { directory }, signal) {
    summarizeReward(output, await resumeReward(directory, watchReward(output, signal)))
  },
  async dpo(output, { directory }, signal) {
    summarizeDpo(output, await resumeDpo(directory, watchDpo(output, signal)))
  },
  async pretrain(output, { directory, settings }, signal) {
    const { tokens } = settings as { tokens: number }
    summarizePretrain(output, await resumePretrain(directory, watchPretrain(output, tokens, signal)))
  },
}

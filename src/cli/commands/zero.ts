import { defineCommand } from 'citty'
import {
  resolveZeroSettings,
  zero as trainZero,
  type ZeroOptions,
  type ZeroWatch,
} from '../../recipes/zero.ts'
import { command } from '../command.ts'
import { integerOption, textOption } from '../terminal/arguments.ts'
import { interruptible } from '../terminal/interrupt.ts'
import { COLUMNS, columnsOption, layeredSettings, outputOf, trainingOptions } from '../terminal/options.ts'
import { type Output, percent } from '../terminal/output.ts'
import { showReinforcement } from '../terminal/progress.ts'
import { finishZero } from '../terminal/zero-summary.ts'

export const zero = command(
  defineCommand({
    meta: {
      name: 'zero',
      description:
        'Train R1-Zero: reinforcement learning from a base model, with rewards that rules can check',
    },
    args: {
      model: {
        type: 'string',
        valueHint: 'DIR|HUB_ID',
        description: 'base model (default: the embedded miniature-base)',
      },
      task: { type: 'string', valueHint: 'NAME|FILE', description: 'task (default: miniature)' },
      columns: COLUMNS,
      engine: { type: 'string', valueHint: 'NAME', description: 'where it trains (local)' },
      steps: { type: 'string', valueHint: 'N', description: 'steps of reinforcement learning (default 200)' },
      preset: {
        type: 'string',
        valueHint: 'NAME',
        description: 'scale: miniature (default), miniature-r1, r1-zero, deepseek-r1, deepseek-r1-general',
      },
      algorithm: {
        type: 'string',
        valueHint: 'NAME',
        description: 'grpo (default), dr-grpo, dapo, gspo, cispo, rloo, reinforce++',
      },
      threads: { type: 'string', valueHint: 'N', description: 'threads (default: one a core)' },
      ...trainingOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const settings = layeredSettings(values, {
      model: textOption(values, 'model'),
      task: textOption(values, 'task'),
      columns: columnsOption(values),
      engine: textOption(values, 'engine'),
      preset: textOption(values, 'preset'),
      algorithm: textOption(values, 'algorithm'),
      steps: integerOption(values, 'steps', 0),
      seed: integerOption(values, 'seed', 0),
      threads: integerOption(values, 'threads', 1, 1024),
    })
    const { steps } = resolveZeroSettings(settings)
    const result = await interruptible(output, (signal) =>
      trainZero({
        ...(settings as ZeroOptions),
        out: textOption(values, 'out'),
        ...watchZero(output, steps, signal),
      }),
    )
    finishZero(output, result)
  },
)

/** What people and programs see while R1-Zero trains. */
export function watchZero(output: Output, steps: number, signal: AbortSignal): ZeroWatch {
  return {
    signal,
    onStart: (run, settings) => {
      output.emit({ type: 'start', run, settings })
      output.say(
        `R1-Zero on ${settings.task}: ${settings.steps} steps of ${settings.rl.questionsPerStep} questions × ${settings.rl.groupSize} responses, seed ${settings.seed}`,
      )
      output.say(`model ${settings.model}\nrun   ${run}`)
    },
    onEvaluation: (when, evaluation) => {
      output.emit({ type: 'evaluation', when, ...evaluation })
      if (when === 'before')
        output.say(
          `before: held-out pass@1 ${percent(evaluation.passAt1)}, ${evaluation.responseTokens.toFixed(0)} tokens a response`,
        )
    },
    onStep: showReinforcement(output, steps),
    onWarning: (message) => output.warn(message),
    onProgress: (line) => output.live(line),
  }
}

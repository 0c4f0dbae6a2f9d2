import { defineCommand } from 'citty'
import pc from 'picocolors'
import { type R1Result, type R1Watch, r1 as trainR1 } from '../recipes/r1.ts'
import { combineReports, textTable } from '../recipes/r1-report.ts'
import { resolveR1Settings } from '../recipes/r1-settings.ts'
import { integerOption, textOption } from './arguments.ts'
import { command } from './command.ts'
import { interruptible } from './interrupt.ts'
import { layeredSettings, outputOf, trainingOptions } from './options.ts'
import { clock, type Output, percent } from './output.ts'
import { watchReward } from './reward.ts'
import { watchSft } from './sft.ts'
import { watchZero } from './zero.ts'

export const r1 = command(
  defineCommand({
    meta: {
      name: 'r1',
      description:
        'Train DeepSeek-R1 in its four steps, and a distilled student: one run, which ends with the stage table',
    },
    args: {
      model: {
        type: 'string',
        valueHint: 'DIR|HUB_ID',
        description: 'base model (default: the embedded miniature-base)',
      },
      task: {
        type: 'string',
        valueHint: 'NAME|FILE',
        description: 'reasoning questions (default: miniature)',
      },
      general: {
        type: 'string',
        valueHint: 'NAME|FILE',
        description: 'general prompts (default: miniature/general)',
      },
      quick: { type: 'boolean', description: 'fewer steps and rows: the whole table sooner' },
      preset: {
        type: 'string',
        valueHint: 'NAME',
        description: 'scale: miniature (default), quick or deepseek-r1',
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
      general: textOption(values, 'general'),
      preset: values.quick ? 'quick' : textOption(values, 'preset'),
      seed: integerOption(values, 'seed', 0),
      threads: integerOption(values, 'threads', 1, 1024),
    })
    resolveR1Settings(settings)
    const result = await interruptible(output, (signal) =>
      trainR1(settings, { out: textOption(values, 'out'), ...watchR1(output, signal) }),
    )
    finishR1(output, result)
  },
)

/** What people see of a part of the run before it begins. */
const PARTS: Readonly<Record<string, string>> = {
  zero: 'R1-Zero: reinforcement learning from the base',
  'cold-start-data': 'Step 1: long chains from three sources',
  'cold-start': 'Step 1: fine-tuning on them',
  'rl-1': 'Step 2: reinforcement learning with a reward for one language',
  chat: 'Step 3: a chat model of the base, from the general data that is there',
  'mixture-data': 'Step 3: rejection sampling, and general data',
  mixture: 'Step 3: fine-tuning the base on the mixture',
  'preference-data': 'Step 4: preferences, by a judge',
  helpful: 'Step 4: a reward model for helpfulness',
  harmless: 'Step 4: a reward model for harmlessness',
  'rl-2': 'Step 4: reinforcement learning in all scenarios',
  distill: 'Distillation: fine-tuning the student on the data of step 3',
  'student-zero': 'The student again, by reinforcement learning from its own base',
}

export function watchR1(output: Output, signal: AbortSignal): R1Watch {
  return {
    signal,
    onStart: (run, settings) => {
      output.emit({ type: 'start', run, settings })
      output.say(`DeepSeek-R1 on ${settings.task} and ${settings.general}, seed ${settings.seed}`)
      output.say(`model ${settings.model}\nrun   ${run}`)
    },
    onPart: (name) => {
      output.emit({ type: 'part', name })
      if (PARTS[name]) output.say(`\n${pc.bold(PARTS[name])}`)
    },
    onData: (line) => output.say(line),
    onStage: ({ stage, measure }) => {
      output.emit({ type: 'stage', stage, measure })
      const facts = [
        `pass@1 ${percent(measure.passAt1 ?? Number.NaN)}`,
        `readable ${percent(measure.readable ?? Number.NaN)}`,
        `in one language ${percent(measure.language ?? Number.NaN)}`,
        `harm refused ${percent(measure.harmfulRefused ?? Number.NaN)}`,
      ]
      output.say(`${pc.bold(stage)} · ${facts.join(' · ')}`)
    },
    onWarning: (message) => output.warn(message),
    onProgress: (line) => output.live(line),
    zero: (steps) => watchZero(output, steps, signal),
    sft: () => watchSft(output, signal),
    reward: () => watchReward(output, signal),
  }
}

export function finishR1(output: Output, result: R1Result): void {
  output.emit({ type: 'result', ...result })
  if (output.json) return
  const { run, model, seed, seconds, stages, report } = result
  output.result(`\n${pc.bold('R1, stage by stage')} (seed ${seed}, ${clock(seconds)})\n`)
  output.result(textTable(combineReports([{ seed, stages }])))
  output.result(
    `\n${pc.bold('Next')}\n  npx ruminate chat --model ${model}   talk to it\n  ${report}   the table with plots\n  npx ruminate runs show ${run} --samples 5   what every stage said`,
  )
}

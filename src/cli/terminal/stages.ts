import pc from 'picocolors'
import { combineReports, textTable } from '../../report/stage-report.ts'
import type { CommonSettings, StagedResult, StagedWatch } from '../../report/staged-run.ts'
import { watchReward } from '../commands/reward.ts'
import { watchSft } from '../commands/sft.ts'
import { watchZero } from '../commands/zero.ts'
import { integerOption, textOption } from './arguments.ts'
import { trainingOptions } from './options.ts'
import { clock, type Output, percent } from './output.ts'

/** Options of a run of several stages. */
export const stagedOptions = {
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
  preset: {
    type: 'string',
    valueHint: 'NAME',
    description: 'scale: miniature (default), quick or deepseek-r1',
  },
  threads: { type: 'string', valueHint: 'N', description: 'threads (default: one a core)' },
  ...trainingOptions,
} as const

/** The settings that these options give. */
export const stagedSettings = (values: Parameters<typeof textOption>[0]) => ({
  task: textOption(values, 'task'),
  general: textOption(values, 'general'),
  preset: textOption(values, 'preset'),
  seed: integerOption(values, 'seed', 0),
  threads: integerOption(values, 'threads', 1, 1024),
})

/** What people and programs see of a run of several stages. */
export function watchStages<S extends CommonSettings>(
  output: Output,
  signal: AbortSignal,
  {
    headline,
    parts,
  }: {
    /** Lines about what begins. */
    readonly headline: (settings: S) => string
    /** What people are told of a part before it begins, by its name. */
    readonly parts: Readonly<Record<string, string>>
  },
): StagedWatch<S> {
  return {
    signal,
    onStart: (run, settings) => {
      output.emit({ type: 'start', run, settings })
      output.say(`${headline(settings)}\nrun   ${run}`)
    },
    onPart: (name) => {
      output.emit({ type: 'part', name })
      if (parts[name]) output.say(`\n${pc.bold(parts[name])}`)
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

/** The stage table, and what to do next. */
export function finishStages(output: Output, title: string, result: StagedResult): void {
  output.emit({ type: 'result', ...result })
  if (output.json) return
  const { run, model, seed, seconds, stages, report } = result
  output.result(`\n${pc.bold(title)} (seed ${seed}, ${clock(seconds)})\n`)
  output.result(textTable(combineReports([{ seed, stages }])))
  output.result(
    `\n${pc.bold('Next')}\n  npx ruminate chat --model ${model}   talk to it\n  ${report}   the table with plots\n  npx ruminate runs show ${run} --samples 5   what every stage said`,
  )
}

import { defineCommand } from 'citty'
import pc from 'picocolors'
import type { PreferenceQuality } from '../../algorithms/preference.ts'
import {
  type RewardResult,
  type RewardWatch,
  resolveRewardSettings,
  reward as trainReward,
} from '../../recipes/reward.ts'
import { command } from '../command.ts'
import { textOption } from '../terminal/arguments.ts'
import { interruptible } from '../terminal/interrupt.ts'
import { outputOf, tuningOptions, tuningSettings } from '../terminal/options.ts'
import { clock, type Output, percent, table } from '../terminal/output.ts'
import { showRewardTraining } from '../terminal/progress.ts'

export const reward = command(
  defineCommand({
    meta: {
      name: 'reward',
      description: 'Train a reward model on preferences: pairs of answers, or answers with a label',
    },
    args: {
      model: {
        type: 'string',
        valueHint: 'DIR|HUB_ID',
        description: 'model that gets a scalar head (default: the embedded miniature-base)',
      },
      data: {
        type: 'string',
        valueHint: 'FILE|DIR|HUB_ID',
        description:
          'JSONL, CSV or Parquet with `prompt`, `chosen`, `rejected`, or `prompt`, `response`, `label`',
      },
      columns: {
        type: 'string',
        valueHint: 'a=b,c=d',
        description: 'columns of other names: prompt=NAME,chosen=NAME,rejected=NAME',
      },
      ...tuningOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const settings = tuningSettings(values)
    resolveRewardSettings(settings)
    const result = await interruptible(output, (signal) =>
      trainReward(settings, { out: textOption(values, 'out'), ...watchReward(output, signal) }),
    )
    finishReward(output, result)
  },
)

/** What people and programs see while a reward model is trained. */
export function watchReward(output: Output, signal: AbortSignal): RewardWatch {
  return {
    signal,
    onStart: (run, settings, data) => {
      output.emit({ type: 'start', run, settings, data })
      output.say(
        `a reward model from ${settings.data}: ${data.training} ${data.kind === 'pairs' ? 'pairs' : 'labelled answers'} of up to ${data.longest} tokens; ${data.heldOut} held out`,
      )
      output.say(`model ${settings.model}\nrun   ${run}`)
    },
    onBefore: (before, steps) => {
      output.emit({ type: 'evaluation', when: 'before', ...before })
      output.say(
        `before: ${percent(before.accuracy)} of the held-out rows right; ${steps} steps to go in all`,
      )
    },
    onStep: showRewardTraining(output),
    onWarning: (message) => output.warn(message),
    onProgress: (line) => output.live(line),
  }
}

export function finishReward(output: Output, result: RewardResult): void {
  output.emit({ type: 'result', ...result })
  if (output.json) return
  const { before, after, best, data } = result
  const rows = (title: string, show: (quality: PreferenceQuality) => string): string[] => [
    title,
    show(before),
    show(after),
  ]
  const number = (value: number): string => (Number.isNaN(value) ? '–' : value.toFixed(3))
  const pairs = data.kind === 'pairs'
  output.result(
    `\n${pc.bold('Reward model, before and after')} (${data.heldOut} held-out ${pairs ? 'pairs' : 'labelled answers'}, seed ${result.seed}, ${clock(result.seconds)})\n`,
  )
  output.result(
    table([
      ['', 'before', 'after'],
      rows('judged right', ({ accuracy }) => percent(accuracy)),
      rows('loss', ({ loss }) => number(loss)),
      rows('mean margin', ({ margin }) => number(margin)),
      ...(pairs ? [rows('the longer wins', ({ longerWins }) => percent(longerWins.model))] : []),
      rows('reward ~ length', ({ lengthCorrelation }) => number(lengthCorrelation.model)),
    ]),
  )
  output.result(
    pairs
      ? `\nIn the data the longer answer is the better one in ${percent(after.longerWins.gold)} of pairs of different length.`
      : `\nIn the data label and length have a correlation of ${number(after.lengthCorrelation.gold)}.`,
  )
  output.result(
    `\n${pc.bold('Margins after')} (${pairs ? 'chosen − rejected' : 'the reward, its sign turned where the label is bad'})\n`,
  )
  output.result(histogram(after.histogram))
  if (best.step !== result.steps)
    output.result(
      `\nThe loss was lowest at step ${best.step} (${best.loss.toFixed(4)}): ${best.checkpoint} is that model.`,
    )
  output.result(`\n${pc.bold('Model')}\n  ${result.model}`)
}

const BAR = 40

/** One line a part, from the first part that holds anything to the last. */
export function histogram({ edges, counts }: PreferenceQuality['histogram']): string {
  const labels = counts.map((_, i) =>
    i === 0 ? `< ${edges[0]}` : i === edges.length ? `≥ ${edges.at(-1)}` : `${edges[i - 1]} … ${edges[i]}`,
  )
  const most = Math.max(...counts)
  const lines = counts.map((count, i) => [
    labels[i]!,
    `${'█'.repeat(Math.round((BAR * count) / most)) || (count > 0 ? '▏' : '')} ${count}`,
  ])
  const first = counts.findIndex((count) => count > 0)
  const last = counts.findLastIndex((count) => count > 0)
  const width = Math.max(...labels.map((label) => label.length))
  return lines
    .slice(first, last + 1)
    .map(([label, bar]) => `  ${label!.padStart(width)}  ${bar}`)
    .join('\n')
}

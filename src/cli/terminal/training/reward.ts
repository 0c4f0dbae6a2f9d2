import pc from 'picocolors'
import type { PreferenceQuality } from '../../../algorithms/preference.ts'
import { clock, plural } from '../../../common/words.ts'
import type { RewardResult, RewardWatch } from '../../../recipes/reward.ts'
import { REWARD_PRESETS } from '../../../settings/reward.ts'
import { runWord, showModel, showNext, sourceName } from '../next.ts'
import { type Output, percent, table } from '../output.ts'
import { watchExamples } from './examples.ts'
import { showBest, showRewardTraining } from './progress.ts'

/** What people and programs see while a reward model is trained. */
export const watchReward = (output: Output, signal: AbortSignal): RewardWatch =>
  watchExamples(output, signal, {
    begun: (settings, { kind, training, longest, heldOut }) =>
      `a reward model from ${sourceName(settings.data)}: ${plural(training, kind === 'pairs' ? 'pair' : 'labelled answer')} of up to ${plural(longest, 'token')}; ${heldOut} held out`,
    before: ({ accuracy }) => `${percent(accuracy)} of the held-out rows right`,
    onStep: showRewardTraining(output),
    presetLearningRate: ({ preset }) => REWARD_PRESETS[preset].learningRate,
    rewardHead: true,
  })

/** Quality on the held-out rows before and after, and the margins after. */
export function summarizeReward(output: Output, result: RewardResult): void {
  output.emit({ type: 'result', ...result })
  if (output.json) return
  const { before, after, data } = result
  const rows = (title: string, show: (quality: PreferenceQuality) => string): string[] => [
    title,
    show(before),
    show(after),
  ]
  const number = (value: number): string => (Number.isNaN(value) ? '–' : value.toFixed(3))
  const pairs = data.kind === 'pairs'
  output.prose(
    `\n${pc.bold('Reward model, before and after')} (${plural(data.heldOut, pairs ? 'held-out pair' : 'held-out labelled answer')}, seed ${result.seed}, ${clock(result.seconds)})\n`,
  )
  output.result(
    table(
      [
        ['', 'before', 'after'],
        rows('judged right', ({ accuracy }) => percent(accuracy)),
        rows('loss', ({ loss }) => number(loss)),
        rows('mean margin', ({ margin }) => number(margin)),
        ...(pairs ? [rows('the longer answer wins', ({ longerWins }) => percent(longerWins.model))] : []),
        rows('reward ~ length', ({ lengthCorrelation }) => number(lengthCorrelation.model)),
      ],
      output.width,
    ),
  )
  output.say(
    pairs
      ? `\n${longerAnswers(after.longerWins.gold)}`
      : `\nIn the data, label and length have a correlation of ${number(after.lengthCorrelation.gold)}.`,
  )
  output.say(
    `\n${pc.bold('Margins after')} (${pairs ? 'chosen − rejected' : 'the reward; negated where the label is bad'})\n`,
  )
  output.aside(histogram(after.histogram, output.width))
  showBest(output, result)
  showModel(output, result.model)
  showNext(output, [[`runs show ${runWord(result.run)} --metric loss`, 'see the loss over the steps']])
}

/** How often the longer answer of a pair is the better one in the data. */
export const longerAnswers = (share: number): string =>
  Number.isNaN(share)
    ? 'The two answers of each held-out pair have the same length.'
    : `In the data, the longer answer is the better one in ${percent(share)} of the pairs whose lengths differ.`

/** Longest bar, where the terminal is wide enough. */
const BAR = 40

/** One line per bin, from the first bin that is not empty to the last. */
export function histogram(
  { edges, counts }: PreferenceQuality['histogram'],
  columns = Number.POSITIVE_INFINITY,
): string {
  const labels = counts.map((_, i) =>
    i === 0 ? `< ${edges[0]}` : i === edges.length ? `≥ ${edges.at(-1)}` : `${edges[i - 1]} … ${edges[i]}`,
  )
  const most = Math.max(...counts)
  const width = Math.max(...labels.map((label) => label.length))
  const bar = Math.max(5, Math.min(BAR, columns - width - `${most}`.length - 5))
  const lines = counts.map((count, i) => [
    labels[i]!,
    `${'█'.repeat(Math.round((bar * count) / most)) || (count > 0 ? '▏' : '')} ${count}`,
  ])
  const first = counts.findIndex((count) => count > 0)
  const last = counts.findLastIndex((count) => count > 0)
  return lines
    .slice(first, last + 1)
    .map(([label, drawn]) => `  ${label!.padStart(width)}  ${drawn}`)
    .join('\n')
}

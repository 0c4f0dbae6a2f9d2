import pc from 'picocolors'
import { clock, plural } from '../../../common/words.ts'
import type { DpoResult, DpoWatch } from '../../../recipes/dpo.ts'
import { storedSettings } from '../../../runs/with-run.ts'
import { DPO_PRESETS, type DpoSettings } from '../../../settings/dpo.ts'
import type { DpoQuality } from '../../../stages/supervise/preference-tuning.ts'
import { modelWord, runWord, showModel, showNext, sourceName } from '../next.ts'
import { type Output, percent, table } from '../output.ts'
import { watchExamples } from './examples.ts'
import { templateArguments } from './given.ts'
import { mergeStep } from './lora.ts'
import { showBest, showRewardTraining } from './progress.ts'
import { histogram, longerAnswers } from './reward.ts'

/** What people and programs see while a model learns from pairs. */
export const watchDpo = (output: Output, signal: AbortSignal): DpoWatch =>
  watchExamples(output, signal, {
    begun: ({ algorithm, data }, { training, longest, heldOut }) =>
      `${algorithm} from ${sourceName(data)}: ${plural(training, 'pair')} of answers of up to ${plural(longest, 'token')}; ${heldOut} held out`,
    before: (before) => `${rightOf(before)} of the held-out pairs right`,
    onStep: showRewardTraining(output),
    presetLearningRate: ({ preset }) => DPO_PRESETS[preset].learningRate,
  })

/** The share of pairs that are right; "–" if all margins are 0, as where the policy still is the reference. */
const rightOf = ({ accuracy, margin, chosen, rejected }: DpoQuality): string =>
  accuracy === 0 && margin === 0 && chosen === 0 && rejected === 0 ? '–' : percent(accuracy)

/** Quality on the held-out pairs before and after, and the margins after. */
export function summarizeDpo(output: Output, result: DpoResult): void {
  output.emit({ type: 'result', ...result })
  if (output.json) return
  const { before, after, data } = result
  const { objective, chat, lora } = storedSettings(result.run, 'dpo') as unknown as DpoSettings
  const rows = (title: string, show: (quality: DpoQuality) => string): string[] => [
    title,
    show(before),
    show(after),
  ]
  const number = (value: number): string => (Number.isNaN(value) ? '–' : value.toFixed(3))
  output.prose(
    `\n${pc.bold('Preferences, before and after')} (${plural(data.heldOut, 'held-out pair')}, seed ${result.seed}, ${clock(result.seconds)})\n`,
  )
  output.result(
    table(
      [
        ['', 'before', 'after'],
        rows('judged right', rightOf),
        rows('loss', ({ loss }) => number(loss)),
        rows('mean margin', ({ margin }) => number(margin)),
        rows('reward of chosen answers', ({ chosen }) => number(chosen)),
        rows('reward of rejected answers', ({ rejected }) => number(rejected)),
        rows('the longer answer wins', ({ longerWins }) => percent(longerWins.model)),
      ],
      output.width,
    ),
  )
  output.say(`\nThe reward of an answer is ${rewardOf(objective)}. ${longerAnswers(after.longerWins.gold)}`)
  output.say(`\n${pc.bold('Margins after')} (chosen − rejected)\n`)
  output.aside(histogram(after.histogram, output.width))
  showBest(output, result)
  showModel(output, result.model)
  showNext(output, [
    [['chat --model', modelWord(result.model), ...templateArguments(chat)].join(' '), 'ask it something'],
    [`runs show ${runWord(result.run)} --metric loss`, 'see the loss over the steps'],
    ...mergeStep(result.model, lora),
  ])
}

/** What the reward of an answer is, in words: βh of `DpoObjective`. */
export function rewardOf({
  referenceFree,
  lengthNormalised,
}: Pick<DpoSettings['objective'], 'referenceFree' | 'lengthNormalised'>): string {
  const perToken = lengthNormalised ? ' per token' : ''
  return referenceFree
    ? `its log-probability${perToken} (nats) times β; there is no reference`
    : `how much likelier the model makes it than the reference does, in nats${perToken}, times β`
}

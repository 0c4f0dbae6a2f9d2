import pc from 'picocolors'
import { clock, plural } from '../../../common/words.ts'
import type { SftResult, SftWatch } from '../../../recipes/sft.ts'
import { Renderer } from '../../../renderer/renderer.ts'
import { storedSettings } from '../../../runs/with-run.ts'
import { SFT_PRESETS, type SftSettings } from '../../../settings/sft.ts'
import { modelWord, type NextStep, runWord, showModel, showNext, sourceName, withConfig } from '../next.ts'
import { type Output, table } from '../output.ts'
import { watchExamples } from './examples.ts'
import { chatArguments, templateArguments } from './given.ts'
import { mergeStep } from './lora.ts'
import { showBest, showFinetuning } from './progress.ts'

/** What people and programs see while a model is fine-tuned. */
export const watchSft = (output: Output, signal: AbortSignal): SftWatch =>
  watchExamples(output, signal, {
    begun: ({ data, task }, { training, longest, learnedTokens, tokens, heldOut }) =>
      `fine-tuning on ${sourceName(data ?? task!)}: ${plural(training, 'row')} of up to ${plural(longest, 'token')}, ${Math.round((100 * learnedTokens) / tokens)} % of them learned; ${heldOut} held out`,
    before: ({ loss }) => `held-out loss ${loss.toFixed(4)}`,
    onStep: showFinetuning(output),
    presetLearningRate: ({ preset }) => SFT_PRESETS[preset].learningRate,
  })

/**
 * The held-out loss before and after fine-tuning, and what to do next.
 *
 * @param config the settings file of the task, if there is one.
 */
export function summarizeSft(output: Output, result: SftResult, config?: string): void {
  output.emit({ type: 'result', ...result })
  if (output.json) return
  const { before, after, data } = result
  const perplexity = ({ loss }: { loss: number }): string => Math.exp(loss).toFixed(2)
  output.prose(
    `\n${pc.bold('Fine-tuning, before and after')} (${plural(data.heldOut, 'held-out row')}, ${plural(after.tokens, 'learned token')}, seed ${result.seed}, ${clock(result.seconds)})\n`,
  )
  output.result(
    table(
      [
        ['', 'before', 'after'],
        ['loss (nats per token)', before.loss.toFixed(4), after.loss.toFixed(4)],
        ['perplexity', perplexity(before), perplexity(after)],
      ],
      output.width,
    ),
  )
  showBest(output, result)
  showModel(output, result.model)
  showNext(output, config === undefined ? nextSteps(result) : stepsWith(config, result))
}

/** What can be done with the model of a run that was started with a settings file. */
const stepsWith = (config: string, { model }: SftResult): NextStep[] => [
  [withConfig('zero', config, model), 'go on with reinforcement learning'],
  [`chat --model ${modelWord(model)}`, 'talk to it'],
]

/** What can be done with the model, spoken to as it was in the training. */
function nextSteps({ run, model }: SftResult): NextStep[] {
  const { chat = { arguments: {} }, lora } = storedSettings(run, 'sft') as Partial<SftSettings>
  const template = Renderer.load(model, { chat }).template
  const rest = template === 'chat' ? ['--template chat', ...chatArguments(chat)] : []
  return [
    [['chat --model', modelWord(model), ...templateArguments(chat)].join(' '), 'talk to it'],
    [`runs show ${runWord(run)} --metric loss`, 'see the loss over the steps'],
    ...mergeStep(model, lora),
    [
      ['zero --model', modelWord(model), ...rest].join(' '),
      'go on with reinforcement learning; --task FILE asks your own questions',
    ],
  ]
}

import pc from 'picocolors'
import { pathFromHere } from '../../../common/files/paths.ts'
import { clock, plural } from '../../../common/words.ts'
import type { SftResult, SftWatch } from '../../../recipes/sft.ts'
import { Renderer } from '../../../renderer/renderer.ts'
import { storedSettings } from '../../../runs/with-run.ts'
import { SFT_PRESETS, type SftSettings } from '../../../settings/sft.ts'
import { sayLanguagePart } from '../language-part.ts'
import {
  modelName,
  modelWord,
  type NextStep,
  runWord,
  showModel,
  showNext,
  sourceName,
  withConfig,
} from '../next.ts'
import { type Output, table } from '../output.ts'
import { warnOfThreads } from '../threads.ts'
import { chatArguments, templateArguments } from './given.ts'
import { mergeStep, showLora } from './lora.ts'
import { showBest, showFinetuning } from './progress.ts'

/** What people and programs see while a model is fine-tuned. */
export function watchSft(output: Output, signal: AbortSignal): SftWatch {
  return {
    signal,
    onStart: (run, settings, data) => {
      output.emit({ type: 'start', run, settings, data })
      warnOfThreads(output, settings.threads)
      output.say(
        `fine-tuning on ${sourceName(settings.data ?? settings.task!)}: ${plural(data.training, 'row')} of up to ${plural(data.longest, 'token')}, ${Math.round((100 * data.learnedTokens) / data.tokens)} % of them learned; ${data.heldOut} held out`,
      )
      output.say(`model ${modelName(settings.model)}\nrun   ${pathFromHere(run)}`)
      sayLanguagePart(output, settings.model)
      showLora(output, {
        ...settings,
        learningRate: {
          setting: 'learningRate',
          value: settings.learningRate,
          preset: SFT_PRESETS[settings.preset].learningRate,
        },
      })
    },
    onBefore: (before, steps) => {
      output.emit({ type: 'evaluation', when: 'before', ...before })
      output.say(`before: held-out loss ${before.loss.toFixed(4)}; ${plural(steps, 'step')} in all`)
    },
    onStep: showFinetuning(output),
    onWarning: (message) => output.warn(message),
    onProgress: (line) => output.live(line),
  }
}

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

import { pathFromHere } from '../../../common/files/paths.ts'
import { plural } from '../../../common/words.ts'
import type { LoraSettings } from '../../../models/lora.ts'
import type { ExampleWatch } from '../../../stages/supervise/example-run.ts'
import { sayLanguagePart } from '../language-part.ts'
import { modelName } from '../next.ts'
import type { Output } from '../output.ts'
import { warnOfThreads } from '../threads.ts'
import { showLora } from './lora.ts'

/** What is shown of a training on examples, beside what all of them show. */
interface Shown<Settings, Data, Evaluation, Step> {
  /** What is trained and on what, in one line. */
  readonly begun: (settings: Settings, data: Data) => string
  /** The evaluation before the first step, in a few words. */
  readonly before: (evaluation: Evaluation) => string
  readonly onStep: (step: Step) => void
  /** The learning rate of the preset that the settings name. */
  readonly presetLearningRate: (settings: Settings) => number
  /** Does the model get a new head, which is trained too? */
  readonly rewardHead?: boolean
}

interface ExampleSettings {
  readonly model: string
  readonly threads: number
  readonly lora: LoraSettings | null
  readonly learningRate: number
}

/** What people and programs see while a model learns from examples. */
export function watchExamples<Settings extends ExampleSettings, Data, Evaluation extends object, Step>(
  output: Output,
  signal: AbortSignal,
  { begun, before, onStep, presetLearningRate, rewardHead = false }: Shown<Settings, Data, Evaluation, Step>,
): ExampleWatch<Settings, Data, Evaluation, Step> {
  return {
    signal,
    onStart: (run, settings, data) => {
      output.emit({ type: 'start', run, settings, data })
      warnOfThreads(output, settings.threads)
      output.say(begun(settings, data))
      output.say(`model ${modelName(settings.model)}\nrun   ${pathFromHere(run)}`)
      sayLanguagePart(output, settings.model)
      showLora(output, {
        model: settings.model,
        lora: settings.lora,
        rewardHead,
        learningRate: {
          setting: 'learningRate',
          value: settings.learningRate,
          preset: presetLearningRate(settings),
        },
      })
    },
    onBefore: (evaluation, steps) => {
      output.emit({ type: 'evaluation', when: 'before', ...evaluation })
      output.say(`before: ${before(evaluation)}; ${plural(steps, 'step')} in all`)
    },
    onStep,
    onWarning: (message) => output.warn(message),
    onProgress: (line) => output.live(line),
  }
}

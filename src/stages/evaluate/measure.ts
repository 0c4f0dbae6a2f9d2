import { warner } from '../../common/warnings.ts'
import type { TinkerSettings } from '../../engines/contract.ts'
import { type EngineName, openSampler } from '../../engines/open.ts'
import { type PromptTemplate, Renderer, type RendererOptions } from '../../renderer/renderer.ts'
import { fittingTask } from '../../tasks/fit.ts'
import { type LoadOptions, loadTask } from '../../tasks/index.ts'
import { askedIn, promptFit } from '../sample/fit.ts'
import { type Evaluation, type EvaluationOptions, evaluate } from './evaluate.ts'

/**
 * pass@1 of the model in a folder on a task, by default in the template that the model was trained with. Questions that
 * the model cannot be asked are left out, with a warning.
 *
 * @throws UserError if the model or the task cannot be read.
 */
export async function measure(
  options: EvaluationOptions &
    RendererOptions &
    LoadOptions & {
      readonly model: string
      readonly task: string
      readonly engine?: EngineName | undefined
      readonly tinker?: TinkerSettings | null | undefined
      readonly threads?: number
    },
): Promise<{ evaluation: Evaluation; template: PromptTemplate; seconds: number }> {
  const started = performance.now()
  const { model, engine = 'local', tinker, threads } = options
  const loaded = await loadTask(options.task, options)
  const renderer = Renderer.load(model, options)
  renderer.checkArguments(options.chat?.arguments ?? {})
  const task = fittingTask(loaded, promptFit([askedIn(model, renderer, options.maxTokens)]), {
    training: 0,
    warn: warner(options.warn),
    progress: options.progress ?? (() => {}),
  })
  options.progress?.('opening the model')
  const sampler = await openSampler({ model, engine, tinker, threads })
  try {
    const { evaluation } = await evaluate(sampler, renderer, task, options)
    return { evaluation, template: renderer.template, seconds: (performance.now() - started) / 1000 }
  } finally {
    await sampler.close()
  }
}

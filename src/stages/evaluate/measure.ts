import { openLocalTrainer } from '../../engines/local/index.ts'
import { Tokenizer } from '../../models/tokenizer.ts'
import { type LoadOptions, loadTask } from '../../tasks/index.ts'
import { type PromptTemplate, templateOf } from '../sample/rollouts.ts'
import { type Evaluation, type EvaluationOptions, evaluate } from './evaluate.ts'

/** pass@1 of the model in a folder on a task, asked in the template that it knows unless told otherwise. */
export async function measure(
  options: EvaluationOptions &
    LoadOptions & { readonly model: string; readonly task: string; readonly threads?: number },
): Promise<{ evaluation: Evaluation; template: PromptTemplate; seconds: number }> {
  const started = performance.now()
  const task = await loadTask(options.task, options)
  const codec = Tokenizer.load(options.model)
  const trainer = await openLocalTrainer({
    model: options.model,
    ...(options.threads ? { threads: options.threads } : {}),
  })
  try {
    const template = options.template ?? templateOf(codec)
    const { evaluation } = await evaluate(await trainer.sampler(), codec, task, { ...options, template })
    return { evaluation, template, seconds: (performance.now() - started) / 1000 }
  } finally {
    await trainer.close()
  }
}

import pc from 'picocolors'
import { shellWord } from '../../../common/shell.ts'
import type { SftResult, SftWatch } from '../../../recipes/sft.ts'
import { clock, type Output, table } from '../output.ts'
import { nextCommand } from './next.ts'
import { showFinetuning } from './progress.ts'

/** What people and programs see while a model is fine-tuned. */
export function watchSft(output: Output, signal: AbortSignal): SftWatch {
  return {
    signal,
    onStart: (run, settings, data) => {
      output.emit({ type: 'start', run, settings, data })
      output.say(
        `fine-tuning on ${settings.data ?? settings.task}: ${data.training} rows of up to ${data.longest} tokens, ${Math.round((100 * data.learnedTokens) / data.tokens)} % of them learned; ${data.heldOut} held out`,
      )
      output.say(`model ${settings.model}\nrun   ${run}`)
    },
    onBefore: (before, steps) => {
      output.emit({ type: 'evaluation', when: 'before', ...before })
      output.say(`before: held-out loss ${before.loss.toFixed(4)}; ${steps} steps in all`)
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
  const { before, after, best, data } = result
  const perplexity = ({ loss }: { loss: number }): string => Math.exp(loss).toFixed(2)
  output.result(
    `\n${pc.bold('Fine-tuning, before and after')} (${data.heldOut} held-out rows, ${after.tokens} learned tokens, seed ${result.seed}, ${clock(result.seconds)})\n`,
  )
  output.result(
    table([
      ['', 'before', 'after'],
      ['loss (nats per token)', before.loss.toFixed(4), after.loss.toFixed(4)],
      ['perplexity', perplexity(before), perplexity(after)],
    ]),
  )
  if (best.step !== result.steps)
    output.result(
      `\nThe loss was lowest at step ${best.step} (${best.loss.toFixed(4)}); the model of that step is ${best.checkpoint}.`,
    )
  output.result(
    `\n${pc.bold('Next')}\n  ${nextCommand('zero', config, result) ?? `npx ruminate chat --model ${shellWord(result.model)}`}`,
  )
}

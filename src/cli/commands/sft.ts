import { defineCommand } from 'citty'
import pc from 'picocolors'
import { resolveSftSettings, type SftResult, type SftWatch, sft as trainSft } from '../../recipes/sft.ts'
import { command } from '../command.ts'
import { textOption } from '../terminal/arguments.ts'
import { interruptible } from '../terminal/interrupt.ts'
import { outputOf, tuningOptions, tuningSettings } from '../terminal/options.ts'
import { clock, type Output, table } from '../terminal/output.ts'
import { showFinetuning } from '../terminal/progress.ts'

export const sft = command(
  defineCommand({
    meta: {
      name: 'sft',
      description: 'Fine-tune a model on demonstrations: conversations, or prompts and completions',
    },
    args: {
      model: {
        type: 'string',
        valueHint: 'DIR|HUB_ID',
        description: 'model (default: the embedded miniature-base)',
      },
      data: {
        type: 'string',
        valueHint: 'FILE|DIR|HUB_ID',
        description: 'demonstrations: JSONL, CSV or Parquet with `messages`, or `prompt` and `completion`',
      },
      columns: {
        type: 'string',
        valueHint: 'a=b,c=d',
        description: 'columns of other names: messages=NAME, or prompt=NAME,completion=NAME',
      },
      ...tuningOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const settings = tuningSettings(values)
    resolveSftSettings(settings)
    const result = await interruptible(output, (signal) =>
      trainSft(settings, { out: textOption(values, 'out'), ...watchSft(output, signal) }),
    )
    finishSft(output, result)
  },
)

/** What people and programs see while a model is fine-tuned. */
export function watchSft(output: Output, signal: AbortSignal): SftWatch {
  return {
    signal,
    onStart: (run, settings, data) => {
      output.emit({ type: 'start', run, settings, data })
      output.say(
        `fine-tuning on ${settings.data}: ${data.training} rows of up to ${data.longest} tokens, ${Math.round((100 * data.learnedTokens) / data.tokens)} % of them learned; ${data.heldOut} held out`,
      )
      output.say(`model ${settings.model}\nrun   ${run}`)
    },
    onBefore: (before, steps) => {
      output.emit({ type: 'evaluation', when: 'before', ...before })
      output.say(`before: held-out loss ${before.loss.toFixed(4)}; ${steps} steps to go in all`)
    },
    onStep: showFinetuning(output),
    onWarning: (message) => output.warn(message),
    onProgress: (line) => output.live(line),
  }
}

export function finishSft(output: Output, result: SftResult): void {
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
      ['loss (nats a token)', before.loss.toFixed(4), after.loss.toFixed(4)],
      ['perplexity', perplexity(before), perplexity(after)],
    ]),
  )
  if (best.step !== result.steps)
    output.result(
      `\nThe loss was lowest at step ${best.step} (${best.loss.toFixed(4)}): ${best.checkpoint} is that model.`,
    )
  output.result(`\n${pc.bold('Next')}\n  npx ruminate chat --model ${result.model}`)
}

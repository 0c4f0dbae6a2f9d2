import { shellWord } from '../../../common/shell.ts'
import type { PretrainResult, PretrainWatch } from '../../../recipes/pretrain.ts'
import { clock, type Output } from '../output.ts'
import { showPretraining } from './progress.ts'

/** What people and programs see while a base model is made. */
export function watchPretrain(output: Output, tokens: number, signal: AbortSignal): PretrainWatch {
  return {
    signal,
    onStart: (run, { vocabulary, parameters }) => {
      output.emit({ type: 'start', run, vocabulary, parameters })
      output.say(
        `a decoder with ${parameters.toLocaleString('en')} parameters and a vocabulary of ${vocabulary} tokens\nrun ${run}`,
      )
    },
    onStep: showPretraining(output, tokens),
    onWarning: (message) => output.warn(message),
  }
}

/** The final loss, and what to do next. */
export function summarizePretrain(output: Output, result: PretrainResult): void {
  output.emit({ type: 'result', ...result })
  if (output.json) return
  output.result(
    `${result.tokens.toLocaleString('en')} tokens in ${clock(result.seconds)}, final loss ${result.loss.toFixed(4)}\nmodel ${result.model}\n\nNext\n  npx ruminate zero --model ${shellWord(result.model)}`,
  )
}

import { pathFromHere } from '../../../common/files/paths.ts'
import { clock } from '../../../common/words.ts'
import type { PretrainResult, PretrainWatch } from '../../../recipes/pretrain.ts'
import { modelWord, showNext } from '../next.ts'
import type { Output } from '../output.ts'
import { showPretraining } from './progress.ts'

/** What people and programs see while a base model is made. */
export function watchPretrain(output: Output, tokens: number, signal: AbortSignal): PretrainWatch {
  return {
    signal,
    onStart: (run, { vocabulary, parameters }) => {
      output.emit({ type: 'start', run, vocabulary, parameters })
      output.say(
        `a decoder with ${parameters.toLocaleString('en')} parameters and a vocabulary of ${vocabulary} tokens\nrun ${pathFromHere(run)}`,
      )
    },
    onStep: showPretraining(output, tokens),
    onProgress: (line) => output.live(line),
    onWarning: (message) => output.warn(message),
  }
}

/** The final loss, and what to do next. */
export function summarizePretrain(output: Output, result: PretrainResult): void {
  output.emit({ type: 'result', ...result })
  if (output.json) return
  output.prose(
    `${result.tokens.toLocaleString('en')} tokens in ${clock(result.seconds)}, final loss ${result.loss.toFixed(4)}\nmodel ${pathFromHere(result.model)}`,
  )
  showNext(output, [[`zero --model ${modelWord(result.model)}`, 'train it by reinforcement learning']])
}

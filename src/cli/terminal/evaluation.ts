import { plural } from '../../common/words.ts'
import type { Truncation } from '../../engines/contract.ts'
import type { measure } from '../../stages/evaluate/measure.ts'
import { modelName, sourceName } from './next.ts'
import { type Output, percent, percentInterval, table } from './output.ts'

interface Shown extends Awaited<ReturnType<typeof measure>>, Readonly<Record<keyof Truncation, number>> {
  readonly model: string
  readonly task: string
  /** Responses per question. */
  readonly samples: number
  readonly temperature: number
  readonly seed: number
}

/** What `eval` measured. */
export function showEvaluation(
  output: Output,
  { model, task, samples, temperature, topK, topP, minP, seed, template, seconds, evaluation }: Shown,
): void {
  const sampling = { temperature, topK, topP, minP, seed }
  output.emit({ type: 'result', model, task, seconds, template, ...sampling, ...evaluation })
  if (output.json) return
  const truncated = [
    topK > 0 ? `, top-k ${topK}` : '',
    topP < 1 ? `, top-p ${topP}` : '',
    minP > 0 ? `, min-p ${minP}` : '',
  ].join('')
  output.prose(
    `${modelName(model)} on ${sourceName(task)}: ${plural(evaluation.questions, 'question')}, ${plural(samples, 'sample')} per question, T = ${temperature}${truncated}, template ${template}, seed ${seed}\n`,
  )
  output.result(
    table(
      [
        ['pass@1', percentInterval(evaluation.passAt1, evaluation.standardError)],
        ...Object.entries(evaluation.kinds).map(([kind, value]) => [`  ${kind}`, percent(value)]),
        ['well formed', percent(evaluation.format)],
        ['response length (tokens)', evaluation.responseTokens.toFixed(1)],
        ['reflective words per response', evaluation.reflectionPerResponse.toFixed(2)],
        ['reflective words per 1,000 tokens', evaluation.reflection.toFixed(1)],
        ['responses mixing languages', percent(evaluation.mixed)],
        ['cut off', percent(evaluation.cut)],
      ],
      output.width,
    ),
  )
}

import type { Progress } from '../../common/progress.ts'
import { type Warn, warner } from '../../common/warnings.ts'
import type { Sampler, Truncation } from '../../engines/contract.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import type { Verdict } from '../../rewards/question.ts'
import type { Task } from '../../tasks/task.ts'
import type { Interruption } from '../sample/interruption.ts'
import { rollOut, type SampledRollout } from '../sample/rollouts.ts'
import { mean, responseMetrics } from '../watch/metrics.ts'

export interface EvaluationOptions extends Truncation {
  /** Number of held-out questions, balanced over kinds. */
  readonly questions: number
  /** Responses per question. */
  readonly samples: number
  readonly temperature: number
  readonly maxTokens: number
  readonly seed: number
  /** How thinking that is too long is ended; by default it is not. */
  readonly interruption?: Interruption | null | undefined
  readonly progress?: Progress | undefined
}

export interface Evaluation {
  /** Mean over questions of the share of right responses; NaN if no response could be checked. */
  readonly passAt1: number
  /** Standard error of passAt1 over questions. */
  readonly standardError: number
  /** Share of well-formed responses. */
  readonly format: number
  /** Mean length of a response in tokens. */
  readonly responseTokens: number
  /** Reflective words per 1,000 tokens, and per response. */
  readonly reflection: number
  readonly reflectionPerResponse: number
  /** Share of responses that mix languages. */
  readonly mixed: number
  /** Share of responses cut off at the length limit. */
  readonly cut: number
  /** Questions whose responses could be checked. */
  readonly questions: number
  readonly samples: number
  /** pass@1 by kind ("arithmetic/3") and by family ("arithmetic"). */
  readonly kinds: Readonly<Record<string, number>>
  readonly families: Readonly<Record<string, number>>
}

/** A checked response; `correct` is null if the task cannot check it. */
export type CheckedRollout = SampledRollout & Pick<Verdict, 'correct' | 'reason'>

/** pass@1 on held-out questions: a pure function of the weights and the options. */
export async function evaluate(
  sampler: Sampler,
  renderer: Renderer,
  task: Task,
  options: EvaluationOptions,
): Promise<{ evaluation: Evaluation; rollouts: CheckedRollout[] }> {
  const questions = task.heldOut({ count: options.questions })
  const rollouts_P_G = await rollOut(sampler, renderer, task, questions, {
    ...options,
    group: options.samples,
    stream: [options.seed, 'evaluation'],
    progress: options.progress && ((line) => options.progress!(`evaluation: ${line}`)),
  })
  options.progress?.('evaluation: checking the answers')
  const checked_P_G = await checkAll(rollouts_P_G)
  return { evaluation: summarise(checked_P_G, options.samples), rollouts: checked_P_G.flat() }
}

/** Warns if no response could be checked. */
export async function warnIfUnknown(
  { evaluation, rollouts }: Awaited<ReturnType<typeof evaluate>>,
  onWarning?: Warn | undefined,
): Promise<void> {
  if (!Number.isNaN(evaluation.passAt1)) return
  const verdict = await rollouts[0]?.verdict()
  warner(onWarning)(
    `pass@1 is unknown, since no held-out answer can be checked. The first: ${verdict?.reason ?? 'there is no held-out question'}`,
  )
}

/** Checks responses with their tasks. */
export function checkAll(rollouts_P_G: readonly (readonly SampledRollout[])[]): Promise<CheckedRollout[][]> {
  const check = async (rollout: SampledRollout): Promise<CheckedRollout> => {
    const { correct, reason } = await rollout.verdict()
    return { ...rollout, correct, reason }
  }
  return Promise.all(rollouts_P_G.map((rollouts_G) => Promise.all(rollouts_G.map(check))))
}

/** Summarises checked responses, one array per question. */
export function summarise(checked_P_G: readonly (readonly CheckedRollout[])[], samples: number): Evaluation {
  const scored = checked_P_G
    .map((checked_G) => ({ kind: checked_G[0]?.question.kind ?? '', share: shareRight(checked_G) }))
    .filter(({ share }) => !Number.isNaN(share))
  const shares = scored.map(({ share }) => share)
  const passAt1 = mean(shares)
  const by = (key: (kind: string) => string): Record<string, number> => {
    const names = [...new Set(scored.map(({ kind }) => key(kind)))].sort()
    return Object.fromEntries(
      names.map((name) => [
        name,
        mean(scored.filter(({ kind }) => key(kind) === name).map(({ share }) => share)),
      ]),
    )
  }
  const form = responseMetrics(checked_P_G.flat())
  return {
    passAt1,
    // s / √n with s² = Σ (x − mean)² / (n − 1)
    standardError: Math.sqrt(
      shares.reduce((sum, x) => sum + (x - passAt1) ** 2, 0) / (shares.length - 1) / shares.length,
    ),
    format: form.format!,
    responseTokens: form['length/mean']!,
    reflection: form['reflection/per_1000']!,
    reflectionPerResponse: form['reflection/per_response']!,
    mixed: form['language/mixed']!,
    cut: form['length/cut']!,
    questions: scored.length,
    samples,
    kinds: by((kind) => kind),
    families: by((kind) => kind.split('/')[0]!),
  }
}

/** An evaluation as metrics of a step, which `evaluationFrom` reads back. */
export function evaluationMetrics(evaluation: Evaluation): Record<string, number> {
  return {
    'eval/pass@1': evaluation.passAt1,
    'eval/standard_error': evaluation.standardError,
    'eval/format': evaluation.format,
    'eval/length': evaluation.responseTokens,
    'eval/reflection_per_1000': evaluation.reflection,
    'eval/reflection_per_response': evaluation.reflectionPerResponse,
    'eval/mixed': evaluation.mixed,
    'eval/cut': evaluation.cut,
    'eval/questions': evaluation.questions,
    'eval/samples': evaluation.samples,
    ...Object.fromEntries(
      Object.entries(evaluation.families).map(([name, value]) => [`eval/family/${name}`, value]),
    ),
    ...Object.fromEntries(
      Object.entries(evaluation.kinds).map(([name, value]) => [`eval/kind/${name}`, value]),
    ),
  }
}

/** Reads an evaluation back from `evaluationMetrics`. A missing metric is unknown (NaN). */
export function evaluationFrom(metrics: Readonly<Record<string, number>>): Evaluation {
  const read = (name: string): number => metrics[`eval/${name}`] ?? Number.NaN
  const under = (prefix: string): Record<string, number> =>
    Object.fromEntries(
      Object.entries(metrics).flatMap(([name, value]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
      ),
    )
  const kinds = under('eval/kind/')
  const families = under('eval/family/')
  // runs of earlier versions have the families as `eval/NAME`
  if (Object.keys(families).length === 0)
    for (const kind of Object.keys(kinds)) families[kind.split('/')[0]!] = read(kind.split('/')[0]!)
  return {
    passAt1: read('pass@1'),
    standardError: read('standard_error'),
    format: read('format'),
    responseTokens: read('length'),
    reflection: read('reflection_per_1000'),
    reflectionPerResponse: read('reflection_per_response'),
    mixed: read('mixed'),
    cut: read('cut'),
    questions: read('questions'),
    samples: read('samples'),
    kinds,
    families,
  }
}

/** The share of right responses among those that could be checked; NaN if there are none. */
function shareRight(checked: readonly { correct: boolean | null }[]): number {
  const known = checked.filter(({ correct }) => correct !== null)
  return known.filter(({ correct }) => correct).length / known.length
}

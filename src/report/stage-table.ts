import type { Sampler } from '../engines/contract.ts'
import type { Answers } from '../stages/evaluate/scenarios.ts'
import { answerGeneral, measureScenarios, winRate } from '../stages/evaluate/scenarios.ts'
import { Opened } from '../stages/sample/opened.ts'
import type { PromptTemplate, TextCodec } from '../stages/sample/rollouts.ts'
import type { StageRow } from './stage-report.ts'
import type { StagedRun } from './staged-run.ts'

type Measured = Pick<StagedRun, 'pipeline' | 'settings' | 'reasoning' | 'general' | 'judge' | 'store'> & {
  readonly watch: Pick<StagedRun['watch'], 'onStage'>
}

/** The stage table as it grows: every model is asked the same, and compared with the one before. */
export class StageTable {
  readonly rows: StageRow[] = []
  readonly #run: Measured
  #answers: Answers | null = null

  constructor(run: Measured) {
    this.#run = run
  }

  /**
   * How a model's answers to general prompts compare with those of the last stage, by the judge: numbers that the alarm
   * watches.
   */
  judging(codec: TextCodec): (sampler: Sampler) => Promise<Record<string, number>> {
    const { settings, general, judge } = this.#run
    const before = this.#answers!
    const options = { ...settings.eval, general: { task: general, questions: settings.eval.general } }
    return async (sampler) => {
      const { answers } = await answerGeneral(sampler, codec, {
        ...options,
        template: 'chat',
        seed: settings.seed,
      })
      const { rate, standardError } = await winRate(judge, answers, before, { seed: settings.seed })
      return { 'eval/judge': rate ?? Number.NaN, 'eval/judge_standard_error': standardError ?? Number.NaN }
    }
  }

  async measure(
    stage: string,
    model: string,
    template: PromptTemplate = 'chat',
    { student = false } = {},
  ): Promise<void> {
    const { pipeline, settings, reasoning, general, judge, store, watch } = this.#run
    const { questions, samples, easy, hard, ...sampling } = settings.eval
    const name = stage.toLowerCase().replace(/[^a-z0-9]+/g, '-')
    const { measure, answers } = await pipeline.make(`measure-${name}`, async (step) => {
      const open = await Opened.open(model, settings.threads)
      try {
        const measured = await measureScenarios(open.sampler, open.codec, {
          name,
          template,
          reasoning: { task: reasoning, questions, samples, easy, hard },
          general: { task: general, questions: settings.eval.general },
          limits: settings.readable,
          temperature: sampling.temperature,
          topP: sampling.topP,
          maxTokens: sampling.maxTokens,
          seed: settings.seed,
        })
        const helpful =
          this.#answers && (await winRate(judge, measured.answers, this.#answers, { seed: settings.seed }))
        const metrics = Object.entries(measured.measure).flatMap(([key, value]) =>
          typeof value === 'number' ? [[`stage/${key}`, value] as const] : [],
        )
        store.truncateAfter(step - 1)
        store.record(step, { metrics: Object.fromEntries(metrics), rollouts: measured.rows })
        return { measure: { ...measured.measure, helpful }, answers: measured.answers }
      } finally {
        await open.close()
      }
    })
    this.#answers = answers
    const row = { stage, student, measure }
    this.rows.push(row)
    watch.onStage?.(row)
  }
}

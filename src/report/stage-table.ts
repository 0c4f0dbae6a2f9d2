import type { Progress } from '../common/progress.ts'
import type { Sampler, TinkerSettings } from '../engines/contract.ts'
import type { EngineName } from '../engines/open.ts'
import type { Generator } from '../providers/generator.ts'
import type { TemplateSettings } from '../renderer/chat-template.ts'
import type { PromptTemplate, Renderer } from '../renderer/renderer.ts'
import type { Parts } from '../runs/parts.ts'
import { TIME } from '../runs/rows.ts'
import type { RunStore } from '../runs/store.ts'
import type { ReadableLimits } from '../stages/data/readable.ts'
import { answerGeneral, measureScenarios } from '../stages/evaluate/scenarios.ts'
import { type Answers, winRate } from '../stages/evaluate/win-rate.ts'
import { withModel } from '../stages/sample/open-model.ts'
import type { Task } from '../tasks/task.ts'
import type { StageRow } from './stage-metrics.ts'

/** How the model of every stage is measured. */
export interface StageTableOptions {
  readonly parts: Parts
  readonly store: RunStore
  readonly reasoning: Task
  readonly general: Task
  readonly judge: Generator
  readonly settings: {
    readonly seed: number
    readonly threads: number
    readonly engine: EngineName
    readonly tinker: TinkerSettings | null
    readonly chat: TemplateSettings
    readonly readable: ReadableLimits
    readonly eval: {
      readonly questions: number
      readonly samples: number
      /** Number of general prompts. */
      readonly general: number
      readonly temperature: number
      readonly topP: number
      readonly maxTokens: number
      readonly easy: readonly string[]
      readonly hard: readonly string[]
    }
  }
  readonly progress: Progress
  /** Called with every row as it is added. */
  readonly onStage?: ((row: StageRow) => void) | undefined
}

/**
 * The stage table of a run, stage by stage: every model answers the same questions, and its answers to general prompts
 * are compared with those of the previous stage.
 */
export class StageTable {
  readonly rows: StageRow[] = []
  readonly #options: StageTableOptions
  /** The last stage's answers to general prompts. */
  #answers: Answers | null = null

  constructor(options: StageTableOptions) {
    this.#options = options
  }

  /** Measures the model in a folder, as a part of the run, and adds the stage to the table. */
  async measure(
    stage: string,
    model: string,
    { template = 'chat', student = false }: { template?: PromptTemplate; student?: boolean } = {},
  ): Promise<void> {
    const { parts, onStage } = this.#options
    const name = stage.toLowerCase().replace(/[^a-z0-9]+/g, '-')
    const { measure, answers } = await parts.make(`measure-${name}`, (step) =>
      this.#measure(name, model, template, step),
    )
    this.#answers = answers
    const row = { stage, student, measure }
    this.rows.push(row)
    onStage?.(row)
  }

  async #measure(name: string, model: string, template: PromptTemplate, step: number) {
    const { settings, reasoning, general, judge, store, progress } = this.#options
    const { questions, samples, easy, hard, temperature, topP, maxTokens } = settings.eval
    progress(`measuring the model of the stage ${name}`)
    const measured = await withModel(model, { ...settings, template }, ({ sampler, renderer }) =>
      measureScenarios(sampler, renderer, {
        name,
        reasoning: { task: reasoning, questions, samples, easy, hard },
        general: { task: general, questions: settings.eval.general },
        limits: settings.readable,
        temperature,
        topP,
        maxTokens,
        seed: settings.seed,
        progress,
      }),
    )
    if (this.#answers) progress('comparing the answers with those of the stage before')
    const helpful =
      this.#answers && (await winRate(judge, measured.answers, this.#answers, { seed: settings.seed }))
    const metrics = Object.entries(measured.measure).flatMap(([key, value]) =>
      typeof value === 'number' ? [[`stage/${key}`, value] as const] : [],
    )
    store.truncateAfter(step - 1)
    store.record(step, {
      metrics: { ...Object.fromEntries(metrics), [TIME]: store.elapsed() ?? Number.NaN },
      rollouts: measured.rows,
    })
    return { measure: { ...measured.measure, helpful }, answers: measured.answers }
  }

  /**
   * Returns a function that measures the win rate of a model in training against the last stage in the table, as metrics
   * for the alarm.
   */
  winRateAgainstLast(renderer: Renderer): (sampler: Sampler) => Promise<Record<string, number>> {
    const { settings, general, judge } = this.#options
    const { seed } = settings
    const before = this.#answers
    if (before === null) throw new Error('the stage table is empty')
    return async (sampler) => {
      const { answers } = await answerGeneral(sampler, renderer, {
        ...settings.eval,
        general: { task: general, questions: settings.eval.general },
        seed,
      })
      const { rate, standardError } = await winRate(judge, answers, before, { seed })
      return { 'eval/judge': rate ?? Number.NaN, 'eval/judge_standard_error': standardError ?? Number.NaN }
    }
  }
}

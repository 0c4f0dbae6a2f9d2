import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { describeSpending, type Generator } from '../providers/generator.ts'
import { type RewardInput, type RewardWatch, resumeReward, reward } from '../recipes/reward.ts'
import { resumeSft, type SftInput, type SftWatch, sft } from '../recipes/sft.ts'
import { resumeZero, type ZeroOptions, type ZeroWatch, zero } from '../recipes/zero.ts'
import { finishRun, type Trained } from '../runs/finish.ts'
import { Interrupted } from '../runs/interrupted.ts'
import { Pipeline } from '../runs/pipeline.ts'
import type { RunStore } from '../runs/store.ts'
import { type GeneratorSettings, openGenerator } from '../settings/generators.ts'
import type { ZeroSettings } from '../settings/zero.ts'
import type { ReadableLimits } from '../stages/data/readable.ts'
import { loadTask } from '../tasks/index.ts'
import type { Task } from '../tasks/task.ts'
import { combineReports, type StageRow, writeReport } from './stage-report.ts'
import { StageTable } from './stage-table.ts'

export interface StagedWatch<S> {
  /** Raised: the run stops after the step or the data under way, by throwing `Interrupted`. */
  readonly signal?: AbortSignal | undefined
  readonly onStart?: ((run: string, settings: S) => void) | undefined
  /** Told of every part of the run as it begins, and of those that are done already. */
  readonly onPart?: ((name: string) => void) | undefined
  /** Told in a line what became of data. */
  readonly onData?: ((line: string) => void) | undefined
  readonly onStage?: ((row: StageRow) => void) | undefined
  readonly onWarning?: ((message: string) => void) | undefined
  readonly onProgress?: ((line: string) => void) | undefined
  /** Those of the stages that train. */
  readonly zero?: ((steps: number) => ZeroWatch) | undefined
  readonly sft?: (() => SftWatch) | undefined
  readonly reward?: (() => RewardWatch) | undefined
}

/** What all runs of several stages are told. */
export interface CommonSettings {
  readonly task: string
  readonly general: string
  readonly judge: GeneratorSettings
  readonly seed: number
  readonly threads: number
  readonly readable: ReadableLimits
  readonly eval: {
    readonly questions: number
    readonly samples: number
    readonly general: number
    readonly temperature: number
    readonly topP: number
    readonly maxTokens: number
    readonly easy: readonly string[]
    readonly hard: readonly string[]
  }
}

/** A run of several stages, under way. */
export interface StagedRun<S extends CommonSettings = CommonSettings> {
  readonly store: RunStore
  readonly settings: S
  readonly pipeline: Pipeline
  readonly table: StageTable
  readonly reasoning: Task
  readonly general: Task
  readonly judge: Generator
  /** Opens another generator, which is closed with the run; what it has cost is told at the end. */
  open(name: string, settings: GeneratorSettings): Promise<Generator>
  readonly watch: StagedWatch<S>
  readonly tell: { warn(message: string): void; progress(line: string): void }
}

export interface StagedResult extends Trained {
  readonly seed: number
  /** The stage table. */
  readonly stages: readonly StageRow[]
  /** Markdown, with plots beside it. */
  readonly report: string
}

/** Opens both tasks, so that one that cannot be read fails before there is a run. */
export async function readTasks(
  { task, general }: Pick<CommonSettings, 'task' | 'general'>,
  watch: Pick<StagedWatch<never>, 'onWarning' | 'onProgress'>,
): Promise<void> {
  const tell = { warn: watch.onWarning, progress: watch.onProgress }
  for (const name of [task, general]) await loadTask(name, tell)
}

/**
 * Does the stages of a run, which resolve to the folder of its model; then writes the report. Raised, the signal stops
 * generators before what they would ask next.
 */
export async function stagedRun<S extends CommonSettings>(
  store: RunStore,
  settings: S,
  watch: StagedWatch<S>,
  work: (run: StagedRun<S>) => Promise<string>,
  { title = 'R1, stage by stage' } = {},
): Promise<StagedResult> {
  const started = performance.now()
  const { seed, threads } = settings
  const { signal } = watch
  const tell = {
    warn: watch.onWarning ?? ((message: string) => process.emitWarning(message)),
    progress: watch.onProgress ?? (() => {}),
  }
  const opened: { name: string; of: GeneratorSettings; generator: Generator }[] = []
  const open = async (name: string, of: GeneratorSettings): Promise<Generator> => {
    const file = join(store.directory, 'replies.sqlite')
    const generator = await openGenerator(of, { file, threads, notice: tell.warn, signal })
    opened.push({ name, of, generator })
    return generator
  }
  try {
    store.setStatus('running')
    watch.onStart?.(store.directory, settings)
    const common = {
      store,
      settings,
      pipeline: new Pipeline(store.directory, watch),
      reasoning: await loadTask(settings.task, tell),
      general: await loadTask(settings.general, tell),
      judge: await open('judge', settings.judge),
      open,
      watch,
      tell,
    }
    const table = new StageTable(common)
    const model = await work({ ...common, table })
    const stages = table.rows
    const report = writeReport(store.directory, combineReports([{ seed, stages }]), { title })
    for (const { name, of, generator } of opened)
      if (of !== 'miniature') watch.onData?.(`the ${name}: ${describeSpending(generator.spent())}`)
    return await finishRun(store, started, { seed, stages, report }, async (directory) =>
      cpSync(model, directory, { recursive: true }),
    )
  } catch (error) {
    if (error instanceof Interrupted || (signal?.aborted && error === signal.reason)) {
      store.setStatus('interrupted')
      throw new Interrupted(store.directory, store.info().step)
    }
    store.fail()
    throw error
  } finally {
    for (const { generator } of opened) await generator.close()
    store.close()
  }
}

type Stages = {
  readonly pipeline: Pipeline
  readonly watch: Pick<StagedWatch<never>, 'zero' | 'sft' | 'reward'>
}

/** A stage of reinforcement learning in the run's folder `name`. */
export function reinforceIn(
  { pipeline, watch }: Stages,
  name: string,
  settings: ZeroSettings,
  own: Pick<ZeroOptions, 'task' | 'rewards' | 'alsoMeasure'> = {},
) {
  const watching = () => watch.zero?.(settings.steps) ?? {}
  return pipeline.train(name, {
    begin: (out) => zero({ ...(settings as ZeroOptions), ...own, out, ...watching() }),
    resume: (directory) =>
      resumeZero(directory, { ...(own as Parameters<typeof resumeZero>[1]), ...watching() }),
  })
}

/** A stage of supervised fine-tuning. */
export function finetuneIn({ pipeline, watch }: Stages, name: string, settings: SftInput) {
  return pipeline.train(name, {
    begin: (out) => sft(settings, { out, ...watch.sft?.() }),
    resume: (directory) => resumeSft(directory, watch.sft?.()),
  })
}

/** A stage of reward-model training. */
export function rewardModelIn({ pipeline, watch }: Stages, name: string, settings: RewardInput) {
  return pipeline.train(name, {
    begin: (out) => reward(settings, { out, ...watch.reward?.() }),
    resume: (directory) => resumeReward(directory, watch.reward?.()),
  })
}

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import type { Datum, Engine, Trainer } from '../engines/contract.ts'
import { withPolicy } from '../engines/policy.ts'
import { accuracy } from '../rewards/accuracy.ts'
import type { WeightedReward } from '../rewards/compose.ts'
import { format } from '../rewards/format.ts'
import { RunStore } from '../runs/store.ts'
import { withRun } from '../runs/with-run.ts'
import { type RlPreset, rlPreset } from '../settings/presets.ts'
import { evaluate } from '../stages/evaluate/evaluate.ts'
import type { Reinforcement } from '../stages/reinforce/job.ts'
import { reinforce } from '../stages/reinforce/reinforce.ts'
import type { Teacher } from '../stages/reinforce/teacher.ts'
import type { Stop } from '../stages/watch/alarm.ts'
import type { Task } from '../tasks/task.ts'
import { fakeEngine, fakeRenderer, fakeTask } from './fakes/fake-engine.ts'

/** The settings of the runs, where a test names no others. */
export const rl: RlPreset = {
  ...rlPreset('miniature'),
  questionsPerStep: 4,
  learningRate: 10,
  maxTokens: 20,
  schedule: { kind: 'constant', warmup: 0 },
}

export interface RunOptions {
  readonly task?: Task
  readonly engine?: Engine
  readonly rl?: Partial<RlPreset>
  readonly rewards?: readonly WeightedReward[]
  readonly shuffle?: boolean
  readonly teacher?: Teacher
  readonly steps?: number
  readonly alarm?: 'warn' | 'stop'
  readonly whenNothingToLearn?: 'stop' | 'continue'
  readonly signal?: AbortSignal
  readonly evaluate?: Reinforcement['evaluate']
  readonly onStep?: Reinforcement['onStep']
  readonly onWarning?: Reinforcement['onWarning'] | undefined
}

export interface Reinforced {
  readonly stop: Stop | null
  /** The run, open for reading. */
  readonly store: RunStore
  readonly engine: Engine
  readonly trainer: Trainer
  /** The datums of every call of `forwardBackward`. */
  readonly datums: readonly (readonly Datum[])[]
}

/** Runs of reinforcement learning on the fake engine, in a folder that is removed after each test. */
export function reinforcementRuns() {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'ruminate-reinforce-'))
  })
  const stores: RunStore[] = []
  afterEach(() => {
    for (const store of stores.splice(0)) store.close()
    rmSync(root, { recursive: true, force: true })
  })

  /** A run, open for reading until the test ends. */
  const opened = (name: string): RunStore => {
    const store = RunStore.open(join(root, name))
    stores.push(store)
    return store
  }

  /** Starts the run `name`, or continues it from its last checkpoint if it exists. */
  const run = async (name: string, options: RunOptions = {}): Promise<Reinforced> => {
    const out = join(root, name)
    const engine = options.engine ?? fakeEngine()
    const datums: (readonly Datum[])[] = []
    let trainer: Trainer | undefined
    const place = existsSync(out) ? { resume: out } : { recipe: 'zero', seed: 1, settings: {}, out }
    const { stop } = await withRun(place, { signal: options.signal }, async (run) => {
      const inner = run.stoppable(engine, await engine.trainer())
      trainer = {
        ...inner,
        forwardBackward: (batch, objective) => {
          datums.push(batch)
          return inner.forwardBackward(batch, objective)
        },
      }
      await run.restore((folder) => trainer!.load(folder))
      const stop = await reinforce({
        run,
        engine,
        trainer,
        renderer: fakeRenderer,
        task: options.task ?? fakeTask,
        rewards: options.rewards ?? [
          { reward: accuracy, weight: 1 },
          { reward: format(), weight: 0.1 },
        ],
        teacher: options.teacher,
        settings: {
          rl: { ...rl, ...options.rl },
          seed: 1,
          steps: options.steps ?? 30,
          shuffleRewards: options.shuffle ?? false,
          checkpointEvery: 5,
          checkpointSeconds: null,
          alarm: options.alarm ?? 'warn',
          whenNothingToLearn: options.whenNothingToLearn ?? 'stop',
        },
        evaluate: options.evaluate,
        onStep: options.onStep,
        onWarning: 'onWarning' in options ? options.onWarning : () => {},
      })
      return run.finish({ stop }, (folder) => inner.save(folder))
    })
    return { stop, store: opened(name), engine, trainer: trainer!, datums }
  }

  return { run, opened, folderOf: (name: string): string => join(root, name) }
}

/** Pass@1 of the trainer's weights. */
export const passAt1 = (policy: { engine: Engine; trainer: Trainer }): Promise<number> =>
  withPolicy(policy, async (sampler) => {
    const options = { questions: 200, samples: 1, temperature: 1, maxTokens: 20, seed: 1 }
    return (await evaluate(sampler, fakeRenderer, fakeTask, options)).evaluation.passAt1
  })

/** All metrics except those that measure time. */
export function metricsOf(store: RunStore): Record<string, unknown> {
  const names = store.metricNames().filter((name) => !/^(speed|time)\//.test(name))
  return Object.fromEntries(names.map((name) => [name, store.metric(name)]))
}

/** The weights of the last checkpoint. */
export const weightsOf = (store: RunStore): string =>
  readFileSync(join(store.checkpoints().at(-1)!.path, 'model.safetensors'), 'utf8')

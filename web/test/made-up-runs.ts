import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RunStore, setNote, setTags } from '../../src/runs/store.ts'
import {
  heldOut,
  hostile,
  MODEL,
  mathematical,
  type Response,
  skill,
  trainingStep,
} from './made-up-samples.ts'
import { randomOf } from './random.ts'

/*
 * Runs that nobody trained, written with the store of real ones: a long one, one in progress, one of several stages, a failed one
 * and one that cannot be read.
 */

/** The metrics of a step, as they are in a run of R1-Zero. */
export function metricsAt(step: number, random: () => number): Record<string, number> {
  const noise = (size: number) => (random() - 0.5) * size
  const right = Math.min(1, Math.max(0, skill(step) + noise(0.12)))
  return {
    accuracy: right,
    ...(step % 20 === 0 && { 'eval/pass@1': Math.min(1, skill(step) + noise(0.03)) }),
    'reward/accuracy': right,
    'reward/format': Math.min(1, 0.7 + step / 300 + noise(0.05)),
    'reward/total': right + 0.08,
    'length/mean': 35 + 60 * skill(step) + noise(8),
    'length/max': 90 + 40 * skill(step) + noise(20),
    'length/cut': Math.abs(noise(0.06)),
    'reflection/per_response': 0.3 + 2.8 * skill(Math.max(0, step - 8)) + noise(0.3),
    'language/mixed': 0.08 + 0.2 * skill(step) + noise(0.06),
    format: Math.min(1, 0.7 + step / 400),
    entropy: 0.5 - 0.35 * skill(step) + noise(0.03),
    kl: 0.02 * Math.sqrt(step) + noise(0.01),
    'clip/low': Math.abs(noise(0.02)),
    'clip/high': Math.abs(noise(0.03)),
    'groups/zero_variance': 0.2 + 0.6 * Math.abs(skill(step) - 0.5) + noise(0.1),
    'mismatch/mean': 1e-4 * (1 + random()),
    'mismatch/max': 1e-3 * (1 + random()),
    grad_norm: 0.8 + noise(0.5),
    loss: noise(0.02),
    'speed/sampling': 9000 + noise(800),
    'speed/training': 22000 + noise(2000),
    'time/sampling': 0.5 + noise(0.1),
    'time/training': 0.26 + noise(0.05),
    learning_rate: 1e-3,
    'total/tokens': step * 5200,
    'total/flops': step * 1.4e10,
    'time/total': step * 0.76,
  }
}

export interface MadeUp {
  readonly recipe?: string
  readonly steps: number
  readonly planned?: number
  /** Events by step. */
  readonly warnings?: Readonly<Record<number, string>>
  /** Groups of responses to a step, and responses of a group. */
  readonly groups?: number
  readonly size?: number
  /** Further responses of the last step. */
  readonly more?: readonly Response[]
}

/** Writes a run and leaves it open, as one in progress. */
export function makeRun(root: string, id: string, made: MadeUp): RunStore {
  const { recipe = 'zero', steps, planned = steps, warnings = {}, groups = 4, size = 4, more = [] } = made
  const random = randomOf(id.length + steps)
  const store = RunStore.create({
    recipe,
    seed: 0,
    settings: {
      model: MODEL,
      task: 'miniature',
      template: 'r1-zero',
      steps: planned,
      rewards: { accuracy: { weight: 1 }, format: { weight: 0.1 } },
      rl: { groupSize: size, temperature: 1, learningRate: 1e-3 },
    },
    out: join(root, id),
  })
  const isReinforced = recipe === 'zero'
  if (isReinforced) store.record(0, { rollouts: heldOut('eval-before', random, 0) })
  for (let step = 1; step <= steps; step++) {
    const message = warnings[step]
    store.record(step, {
      metrics: isReinforced ? metricsAt(step, random) : { loss: 2 / step ** 0.4 },
      rollouts: isReinforced ? trainingStep(step, random, groups, size) : [],
      events: message === undefined ? [] : [{ level: 'warning', message }],
    })
  }
  if (isReinforced && steps > 0)
    store.record(steps, { rollouts: [...heldOut('eval-after', random, steps), ...more] })
  return store
}

/** A step that goes on with a run. */
export function advance(store: RunStore): number {
  const step = store.info().step + 1
  store.record(step, {
    metrics: metricsAt(step, randomOf(step)),
    rollouts: trainingStep(step, randomOf(step)),
  })
  return step
}

/** Runs of all kinds below a folder. `inProgress` is open for writing. */
export function makeRuns(root: string): { readonly inProgress: RunStore } {
  const done = (id: string, made: MadeUp): void => {
    const store = makeRun(root, id, made)
    store.finish({ passAt1: 0.96 })
    store.close()
  }
  mkdirSync(join(root, 'broken'))
  writeFileSync(join(root, 'broken', 'run.sqlite'), 'this is no database')

  const failed = makeRun(root, 'sft-1', { recipe: 'sft', steps: 12, planned: 40 })
  failed.fail(new Error('the disk is full'))
  failed.close()

  makeStages(root)
  done('zero-1', {
    steps: 200,
    warnings: {
      64: 'in 80 % of the groups of the last 5 steps all rewards were equal; they teach nothing',
      150: 'this looks like reward hacking: the reward helpful has risen from 0.20 to 0.91 while rule accuracy has fallen from 94 % to 71 %. For example: "Happy to help! Happy to help!"',
    },
    more: [mathematical(), hostile()],
  })
  setNote(join(root, 'zero-1'), 'the run of npm start')
  setTags(join(root, 'zero-1'), ['baseline', 'miniature'])
  done('zero-3', { steps: 25 })
  return { inProgress: makeRun(root, 'zero-2', { steps: 40, planned: 200 }) }
}

function makeStages(root: string): void {
  const parent = makeRun(root, 'r1-1', { recipe: 'r1', steps: 0 })
  const random = randomOf(5)
  const rows = trainingStep(1, random, 10).map((response, i) => ({
    ...response,
    split: i % 3 === 0 ? 'cold-start/few-shot' : 'cold-start/r1-zero',
    rewards: { kept: i % 3 === 1 ? 0 : 1 },
    reasons: i % 3 === 1 ? { kept: 'wrong' } : {},
    total: null,
    advantage: null,
  }))
  parent.record(0, { rollouts: rows, metrics: { 'data/cold-start/rows': 27, 'data/cold-start/seen': 40 } })
  const data = join(root, 'r1-1', 'data')
  mkdirSync(data)
  writeFileSync(
    join(data, 'cold-start.md'),
    '# Cold-start data\n\n27 rows, of 40 that were looked at.\n\n| reason | all |\n| --- | ---: |\n| wrong | 13 |\n',
  )
  const pairs = ['How are you?', 'What is your name?', 'Say hello.'].map((prompt) => ({
    prompt,
    chosen: 'Happy to help!',
    rejected: 'Happy to help! Happy to help!',
    margin: 2,
  }))
  writeFileSync(join(data, 'helpful.jsonl'), pairs.map((pair) => `${JSON.stringify(pair)}\n`).join(''))
  for (const [id, made] of [
    ['r1-1/zero', { steps: 60 }],
    ['r1-1/cold-start', { recipe: 'sft', steps: 30 }],
    ['r1-1/rl-1', { steps: 50 }],
  ] as const) {
    const stage = makeRun(root, id, made)
    stage.finish({})
    stage.close()
  }
  parent.finish({})
  parent.close()
}

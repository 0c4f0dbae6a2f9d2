import type { DataSet, RunDetail, Sample, Series } from '../src/api/types.ts'
import { randomOf } from './random.ts'
import { hostileSample, mathSample, samplesOf, skill } from './samples.ts'

/** A run of the fake server. */
export interface FakeRun {
  detail: RunDetail
  readonly metrics: Record<string, { step: number[]; value: number[] }>
  readonly samples: Sample[]
  readonly dataSets: readonly DataSet[]
}

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
  }
}

interface Made extends Partial<RunDetail> {
  readonly id: string
  readonly done: number
  readonly planned?: number | null
  readonly dataSets?: readonly DataSet[]
  readonly samples?: readonly Sample[]
}

function make({ id, done, planned = done, dataSets = [], samples: given = [], ...over }: Made): FakeRun {
  const random = randomOf(id.length + done)
  const isTraining = (over.recipe ?? 'zero') === 'zero'
  const metrics: FakeRun['metrics'] = {}
  for (let step = 1; step <= done; step++)
    for (const [name, value] of Object.entries(
      isTraining ? metricsAt(step, random) : { loss: 2 / step ** 0.4 },
    ))
      add(metrics, name, step, value)
  const samples = isTraining ? samplesOf(done, id.length) : [...given]
  if (id === 'zero-1') {
    samples.push(hostileSample(samples.length + 1, done))
    samples.push(mathSample(samples.length + 1, done))
  }
  const accuracy = metrics.accuracy?.value ?? metrics.loss?.value ?? []
  const stride = Math.max(1, Math.ceil(accuracy.length / 60))
  const detail: RunDetail = {
    id,
    parent: id.includes('/') ? id.slice(0, id.lastIndexOf('/')) : null,
    recipe: 'zero',
    model: 'miniature-base',
    task: 'totals and operators',
    status: 'done',
    created: '2026-11-28T09:12:00.000Z',
    steps: { done, planned },
    secondsLeft: null,
    accuracy: isTraining && done > 0 ? { step: done, value: accuracy.at(-1)! } : null,
    spark: accuracy.filter((_, i) => i % stride === 0),
    sparkName: isTraining ? 'accuracy' : 'loss',
    note: null,
    problem: null,
    settings: { seed: 0, steps: planned, rl: { groupSize: 8, temperature: 1, learningRate: 1e-3 } },
    versions: { ruminate: '0.1.0', node: '20.20.2', 'onnxruntime-node': '1.30.0' },
    result: null,
    checkpoints:
      done > 0
        ? [{ step: done, path: `checkpoints/step-${String(done).padStart(6, '0')}`, score: 0.96 }]
        : [],
    events: [],
    metricNames: Object.keys(metrics).sort(),
    ...over,
  }
  return { detail, metrics, samples, dataSets }
}

export function add(metrics: FakeRun['metrics'], name: string, step: number, value: number): void {
  metrics[name] ??= { step: [], value: [] }
  metrics[name].step.push(step)
  metrics[name].value.push(value)
}

/** The runs that the fake server begins with: done, in progress, of several stages, failed, empty, and unreadable. */
export function fakeRuns(): Map<string, FakeRun> {
  const runs = [
    make({
      id: 'zero-1',
      done: 200,
      note: 'the run of npm start',
      events: [
        {
          step: 64,
          level: 'warning',
          message: 'in 80 % of the groups of the last 5 steps all rewards were equal; they teach nothing',
        },
        {
          step: 150,
          level: 'warning',
          message:
            'this looks like reward hacking: the reward helpful has risen from 0.20 to 0.91 while rule accuracy has fallen from 94 % to 71 %. For example: "Happy to help! Happy to help!"',
        },
      ],
    }),
    make({
      id: 'zero-2',
      done: 40,
      planned: 200,
      status: 'running',
      secondsLeft: 122,
      created: '2026-11-30T14:01:00.000Z',
    }),
    make({
      id: 'r1-1',
      done: 0,
      planned: null,
      recipe: 'r1',
      created: '2026-11-29T10:00:00.000Z',
      dataSets: [COLD_START],
      samples: coldStart(),
    }),
    make({ id: 'r1-1/zero', done: 60, created: '2026-11-29T10:00:10.000Z' }),
    make({ id: 'r1-1/cold-start', done: 30, recipe: 'sft', created: '2026-11-29T10:05:00.000Z' }),
    make({
      id: 'r1-1/rl-1',
      done: 50,
      created: '2026-11-29T10:08:00.000Z',
      sections: [
        { name: 'one language', from: 1, to: 25 },
        { name: 'all questions', from: 25, to: 50 },
      ],
    }),
    make({
      id: 'sft-1',
      done: 12,
      planned: 40,
      recipe: 'sft',
      status: 'failed',
      problem: 'the disk is full',
      created: '2026-11-27T10:00:00.000Z',
    }),
    make({ id: 'zero-3', done: 25, planned: 200, status: 'stopped', created: '2026-11-26T10:00:00.000Z' }),
  ]
  return new Map(runs.map((run) => [run.detail.id, run]))
}

const COLD_START: DataSet = {
  name: 'cold-start',
  rows: 27,
  seen: 40,
  card: '# Cold-start data\n\n27 rows, of 40 that were looked at.\n\n## Rejected\n\n| reason | all |\n| --- | ---: |\n| wrong | 13 |\n',
  splits: ['cold-start/few-shot', 'cold-start/r1-zero'],
}

const coldStart = (): Sample[] =>
  samplesOf(3, 5)
    .slice(0, 40)
    .map((sample, i) => ({
      ...sample,
      step: 0,
      split: i % 3 === 0 ? 'cold-start/few-shot' : 'cold-start/r1-zero',
      rewards: [{ name: 'kept', value: i % 3 === 1 ? 0 : 1, reason: i % 3 === 1 ? 'wrong' : null }],
    }))

/** What of a series is between two steps, in at most `points` buckets, each with its mean, least and most. */
export function downsample(
  { step, value }: { step: readonly number[]; value: readonly number[] },
  from: number,
  to: number,
  points: number,
): Series {
  const shown = step.flatMap((s, i) => (s >= from && s <= to ? [i] : []))
  const size = Math.ceil(shown.length / points)
  if (size <= 1) return { step: shown.map((i) => step[i]!), value: shown.map((i) => value[i]!) }
  const buckets = Array.from({ length: Math.ceil(shown.length / size) }, (_, b) =>
    shown.slice(b * size, (b + 1) * size),
  )
  return {
    step: buckets.map((bucket) => step[bucket.at(-1)!]!),
    value: buckets.map((bucket) => bucket.reduce((sum, i) => sum + value[i]!, 0) / bucket.length),
    min: buckets.map((bucket) => Math.min(...bucket.map((i) => value[i]!))),
    max: buckets.map((bucket) => Math.max(...bucket.map((i) => value[i]!))),
  }
}

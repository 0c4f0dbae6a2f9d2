import { UserError } from '../src/common/errors.ts'
import { readRun } from '../src/runs/store.ts'
import {
  type Device,
  decodeSeconds,
  fewestTrainers,
  kvRoom,
  type ModelCost,
  trainSeconds,
} from './scale/costs.ts'
import { type Cluster, simulate, type Workload } from './scale/simulate.ts'
import { deepseekV3, h100, h800, qwen3Full, qwen3Lora, rtx4090 } from './scale/specs.ts'

/*
 * The tables of docs/scale.md: what the paper's R1-Zero takes on given machines, by a simulation event by event. With a run of this
 * machine, the formulas and the simulation are compared with the times that it measured.
 */

/** The paper's R1-Zero: 650 rollouts of 8,192 responses, on each of which 16 updates are made. */
const STEPS = 10_400
const paper: Workload = {
  responses: 8192,
  updates: 16,
  promptTokens: 150,
  meanTokens: 0,
  spread: 1,
  maxTokens: 32_768,
  rewardSeconds: 0.1,
  rewarders: 512,
  passes: { training: 4, scoring: 2 },
}
/** Tinker's way: a rollout for each update. */
const tinker: Workload = { ...paper, responses: 512, updates: 1 }

/** Mean tokens of a response at a step, as in the paper's figure, and the longest one. */
function atStep(step: number): Pick<Workload, 'meanTokens' | 'maxTokens'> {
  const points = [
    [0, 600],
    [8200, 12_500],
    [10_400, 17_500],
  ] as const
  const k = step < points[1][0] ? 0 : 1
  const [[x0, y0], [x1, y1]] = [points[k]!, points[k + 1]!]
  return { meanTokens: y0 + ((step - x0) / (x1 - x0)) * (y1 - y0), maxTokens: step < 8200 ? 32_768 : 65_536 }
}

interface Whole {
  readonly hours: number
  readonly tokens: number
  readonly sampling: number
  readonly training: number
  readonly staleness: number
  readonly bytes: number
}

/** The whole run: simulated at the middle of each of its parts. */
function whole(model: ModelCost, workload: Workload, cluster: Cluster, parts = 6): Whole {
  const rolloutsPerPart = STEPS / workload.updates / parts
  let [seconds, tokens, sampling, training, staleness, bytes] = [0, 0, 0, 0, 0, 0]
  for (let part = 0; part < parts; part++) {
    const at = atStep((STEPS * (part + 0.5)) / parts)
    const warmup = 1 + (cluster.apart?.staleness ?? 0)
    const found = simulate(model, { ...workload, ...at }, cluster, {
      rollouts: warmup + 2,
      warmup,
      seed: part,
    })
    const took = rolloutsPerPart * found.seconds
    seconds += took
    tokens += rolloutsPerPart * found.sampledTokens
    sampling += found.sampling * took
    training += found.training * took
    staleness += found.staleness / parts
    bytes = found.bytesSent
  }
  return {
    hours: seconds / 3600,
    tokens,
    sampling: sampling / seconds,
    training: training / seconds,
    staleness,
    bytes,
  }
}

/** Of the ways to divide the devices, the one that takes least time. */
function apart(model: ModelCost, workload: Workload, cluster: Omit<Cluster, 'apart'>, staleness: number) {
  const { devices, perSampler, device } = cluster
  const ways = [1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8]
    .map((share) => Math.round((devices * share) / perSampler) * perSampler)
    .filter((trainers) => trainers >= fewestTrainers(model, device) && trainers <= devices - perSampler)
    .map((trainers) => ({ ...cluster, apart: { trainers, staleness } }))
  if (ways.length === 0) return null
  // found by the middle of the run
  const best = ways
    .map((way) => ({ way, hours: whole(model, workload, way, 1).hours }))
    .reduce((a, b) => (b.hours < a.hours ? b : a)).way
  return { trainers: best.apart.trainers, ...whole(model, workload, best) }
}

const HEADER = [
  '| devices | way | hours | device-hours | price | sampled tokens/s | samplers busy | trainers busy | age in updates | sent per rollout |',
  '|---|---|---|---|---|---|---|---|---|---|',
]

function row(cluster: Omit<Cluster, 'apart'>, way: string, found: Whole | null): string {
  const { devices, device } = cluster
  if (!found) return `| ${devices} | ${way} | no room | | | | | | | |`
  const hours = devices * found.hours
  return `| ${devices} | ${way} | ${round(found.hours)} | ${round(hours)} | $${round(hours * device.price)} | ${round(found.tokens / found.hours / 3600)} | ${percent(found.sampling)} | ${percent(found.training)} | ${found.staleness.toFixed(1)} | ${size(found.bytes)} |`
}

const round = (value: number): string =>
  Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 2 })
const percent = (share: number): string => `${Math.round(100 * share)} %`
const size = (bytes: number): string =>
  bytes >= 1e12
    ? `${round(bytes / 1e12)} TB`
    : bytes >= 1e9
      ? `${round(bytes / 1e9)} GB`
      : `${round(bytes / 1e6)} MB`

/** Prints the tables. @param run A run of this machine, to compare with. */
export function scale(run?: string): void {
  if (run !== undefined) {
    compareWith(run)
    return
  }
  closedForm()
  laptop()
  console.log(`\n### ${deepseekV3.name} on H800\n`)
  for (const line of HEADER) console.log(line)
  for (const devices of [256, 512, 1024, 2048, 4096, 10_000]) {
    const cluster = { device: h800, devices, perSampler: 16, tokensPerStep: 1.8 }
    const together =
      devices >= fewestTrainers(deepseekV3, h800)
        ? whole(deepseekV3, paper, { ...cluster, apart: null })
        : null
    console.log(row(cluster, 'together', together))
    for (const staleness of [1, 4]) {
      const found = apart(deepseekV3, paper, cluster, staleness)
      console.log(row(cluster, found ? `apart, ${found.trainers} train, ${staleness} ahead` : 'apart', found))
    }
  }
  for (const [model, device, counts] of [
    [qwen3Lora, rtx4090, [1, 2, 8]],
    [qwen3Full, h100, [8, 64, 512]],
  ] as const) {
    console.log(`\n### ${model.name} on ${device.name}\n`)
    for (const line of HEADER) console.log(line)
    for (const devices of counts) {
      const cluster = { device, devices, perSampler: 1, tokensPerStep: 1 }
      console.log(row(cluster, 'together', whole(model, tinker, { ...cluster, apart: null })))
      const found = devices > 1 ? apart(model, tinker, cluster, 1) : null
      if (found) console.log(row(cluster, `apart, ${found.trainers} train, 1 ahead`, found))
    }
  }
}

/** Where all responses have one length and nothing overlaps, a rollout takes the sum of its parts. */
function closedForm(): void {
  const workload = { ...tinker, ...atStep(4000), spread: 0, rewardSeconds: 0, updates: 1 }
  const cluster = { device: h100, devices: 8, perSampler: 1, tokensPerStep: 1, apart: null }
  const length = Math.round(workload.meanTokens)
  const b = workload.responses / cluster.devices
  const sampler = { model: qwen3Full, device: h100, devices: 1, tokensPerStep: 1 }
  const room = kvRoom(sampler)
  const sampling = length * decodeSeconds(sampler, b, b * (workload.promptTokens + length / 2))
  const lengths = Array.from({ length: workload.responses }, () => length + workload.promptTokens)
  const training = trainSeconds(qwen3Full, h100, 8, lengths, workload.passes)
  const { seconds } = simulate(qwen3Full, workload, cluster, { rollouts: 3, warmup: 1 })
  const fits = b * (workload.promptTokens + length / 2) <= room
  console.log(
    `closed form ${round(sampling + training)} s, simulated ${round(seconds)} s${fits ? '' : ' (the sequences do not fit at once)'}`,
  )
}

/**
 * Fits τ = ℓ + p·b and seconds a trained token to the first half of a run's steps, and predicts the second half: from the lengths
 * that were sampled, and by the simulation, which knows only their mean and spread.
 */
function compareWith(directory: string): void {
  const steps = readRun(directory, (store) =>
    store.metric('time/sampling').map(({ step, value: sampling }) => {
      const at = store.metricsAt(step)
      const need = ['speed/sampling', 'time/training', 'speed/training', 'length/mean', 'length/max'] as const
      for (const name of need)
        if (at[name] === undefined)
          throw new UserError(`${directory} has no metric ${name}: give a run of zero`, 2)
      return {
        sampling,
        tokens: at['speed/sampling']! * sampling,
        training: at['time/training']!,
        trained: at['speed/training']! * at['time/training']!,
        mean: at['length/mean']!,
        longest: at['length/max']!,
        lengths: store.rollouts({ split: 'train', step }).map(({ length }) => length),
      }
    }),
  )
  if (steps.length < 20)
    throw new UserError(`${directory} has ${steps.length} steps; give a run of 20 or more`, 2)
  // the first step builds the programs
  const half = Math.ceil(steps.length / 2)
  const [known, later] = [steps.slice(1, half), steps.slice(half)]
  const [latency, perToken] = fit(known.map(({ longest, tokens, sampling }) => [longest, tokens, sampling]))
  const perTrained = sum(known, ({ training }) => training) / sum(known, ({ trained }) => trained)
  console.log(
    `fitted to steps 2 to ${half}: ${(latency * 1e3).toPrecision(3)} ms a decoding step, ${(perToken * 1e6).toPrecision(3)} µs a sampled token, ${(perTrained * 1e6).toPrecision(3)} µs a trained token`,
  )
  const errors = later.map(({ longest, tokens, sampling, trained, training }) => ({
    sampling: Math.abs((latency * longest + perToken * tokens) / sampling - 1),
    training: Math.abs((perTrained * trained) / training - 1),
  }))
  console.log(
    `steps ${half + 1} to ${steps.length}, each by the formulas: sampling off by ${percent(median(errors.map((e) => e.sampling)))}, training by ${percent(median(errors.map((e) => e.training)))} (medians)`,
  )

  const { model, device } = measured({ latency, perToken, perTrained })
  const responses = Math.round(sum(later, ({ tokens, mean }) => tokens / mean) / later.length)
  const all = later.flatMap(({ lengths }) => lengths)
  const mean = sum(later, ({ mean: length }) => length) / later.length
  const spread = all.length > 1 ? Math.sqrt(sum(all, (n) => (n - mean) ** 2) / all.length) / mean : 0
  const promptTokens = Math.round(
    sum(later, ({ trained, tokens }) => (trained - tokens) / responses) / later.length,
  )
  const found = simulate(
    model,
    {
      responses,
      updates: 1,
      promptTokens: Math.max(0, promptTokens),
      meanTokens: mean,
      spread,
      maxTokens: Math.max(...later.map(({ longest }) => longest)),
      rewardSeconds: 0,
      rewarders: 1,
      passes: { training: 1, scoring: 0 },
    },
    { device, devices: 1, perSampler: 1, tokensPerStep: 1, apart: null },
    { rollouts: 30, warmup: 1 },
  )
  const took = sum(later, ({ sampling, training }) => sampling + training) / later.length
  console.log(
    `simulated from ${responses} responses of ${mean.toFixed(0)} ± ${(mean * spread).toFixed(0)} tokens: ${found.seconds.toFixed(3)} s a step; measured ${took.toFixed(3)} s (${percent(found.seconds / took - 1)} off)`,
  )
}

/** Costs as they were measured, in seconds: of a decoding step, and of each token in it; of a token that is trained on. */
interface Measured {
  readonly latency: number
  readonly perToken: number
  readonly perTrained: number
}

/** A model and a device with these costs, whatever they are made of. */
function measured({ latency, perToken, perTrained }: Measured): { model: ModelCost; device: Device } {
  const model: ModelCost = {
    name: 'measured',
    total: 0,
    active: 1,
    experts: null,
    kvBytes: 1e-9,
    attention: 0,
    samplerBytes: 0,
    sentBytes: 0,
    trainerBytes: 0,
    adapters: null,
  }
  const device: Device = {
    name: 'this machine',
    flops: 2 / perToken,
    bandwidth: Number.MAX_VALUE,
    memory: 1,
    network: 1,
    training: perToken / perTrained,
    sampling: 1,
    latency,
    price: 0,
  }
  return { model, device }
}

/** The paper's number of steps and responses on one laptop, with responses as long as those that were measured there. */
function laptop(): void {
  console.log('\n### A laptop, by what two cores measured\n')
  console.log('| model | tokens of a response | seconds a step | hours | sampled tokens/s |')
  console.log('|---|---|---|---|---|')
  for (const [name, costs, lengths] of LAPTOP) {
    const { model, device } = measured(costs)
    const workload = { ...tinker, ...lengths, rewardSeconds: 0, passes: { training: 1, scoring: 0 } }
    const cluster = { device, devices: 1, perSampler: 1, tokensPerStep: 1, apart: null }
    const { seconds, sampledTokens } = simulate(model, workload, cluster, { rollouts: 5, warmup: 1 })
    console.log(
      `| ${name} | ${lengths.meanTokens} | ${round(seconds)} | ${round((seconds * STEPS) / 3600)} | ${round(sampledTokens / seconds)} |`,
    )
  }
}

/** From recorded runs: the miniature's, and one of SmolLM2-135M with short answers; and SmolLM2 with the paper's lengths. */
const SMOL: Measured = { latency: 0.0277, perToken: 2.47e-3, perTrained: 1.09e-3 }
const LAPTOP = [
  [
    'miniature-base (0.5M)',
    { latency: 0.364e-3, perToken: 45.3e-6, perTrained: 24.5e-6 },
    { meanTokens: 97, spread: 0.54, maxTokens: 260, promptTokens: 60 },
  ],
  ['SmolLM2-135M', SMOL, { meanTokens: 9, spread: 0.1, maxTokens: 16, promptTokens: 30 }],
  [
    'SmolLM2-135M, the paper’s mean',
    SMOL,
    { meanTokens: 8300, spread: 1, maxTokens: 32_768, promptTokens: 150 },
  ],
] as const satisfies readonly (readonly [string, Measured, Partial<Workload>])[]

/** The x and y of least squares for z = x·a + y·b. */
function fit(rows: readonly (readonly [a: number, b: number, z: number])[]): [number, number] {
  let [aa, ab, bb, az, bz] = [0, 0, 0, 0, 0]
  for (const [a, b, z] of rows) {
    aa += a * a
    ab += a * b
    bb += b * b
    az += a * z
    bz += b * z
  }
  const determinant = aa * bb - ab * ab
  const [x, y] = [(az * bb - bz * ab) / determinant, (bz * aa - az * ab) / determinant]
  // costs are not negative: without the other one, if one would be
  return x < 0 ? [0, bz / bb] : y < 0 ? [az / aa, 0] : [x, y]
}

const sum = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((total, item) => total + value(item), 0)

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!

import { Random } from '../../src/common/random.ts'
import {
  type Device,
  decodeSeconds,
  kvRoom,
  type ModelCost,
  type Passes,
  type Sampler,
  sentBytes,
  trainSeconds,
  transferSeconds,
} from './costs.ts'

/** What is sampled and trained on. */
export interface Workload {
  /** Responses of a rollout, and the updates that are made on it. */
  readonly responses: number
  readonly updates: number
  readonly promptTokens: number
  /** Mean tokens of a response, the standard deviation as a share of it, and the longest response. */
  readonly meanTokens: number
  readonly spread: number
  readonly maxTokens: number
  /** Seconds of a reward, and how many are computed at a time. */
  readonly rewardSeconds: number
  readonly rewarders: number
  readonly passes: Passes
}

/** How devices are used. */
export interface Cluster {
  readonly device: Device
  readonly devices: number
  /** Devices of one sampler. */
  readonly perSampler: number
  readonly tokensPerStep: number
  /**
   * null: all devices sample, then all train. Else so many train only, the others sample only, and a rollout is sampled with weights
   * that are at most `staleness` rollouts old.
   */
  readonly apart: { readonly trainers: number; readonly staleness: number } | null
}

/** What was simulated, per rollout after the first ones. */
export interface Simulated {
  readonly seconds: number
  readonly sampledTokens: number
  /** Share of the time in which a sampler has something to sample, and in which the trainers train. */
  readonly sampling: number
  readonly training: number
  /** How old the weights are that a token was sampled with, in updates, when it is trained on. */
  readonly staleness: number
  readonly bytesSent: number
}

interface Event {
  readonly at: number
  readonly run: () => void
}

/** Events in the order of their time. */
class Agenda {
  now = 0
  readonly #heap: Event[] = []

  after(seconds: number, run: () => void): void {
    const heap = this.#heap
    heap.push({ at: this.now + seconds, run })
    for (let i = heap.length - 1; i > 0; ) {
      const up = (i - 1) >> 1
      if (heap[up]!.at <= heap[i]!.at) return
      ;[heap[up], heap[i]] = [heap[i]!, heap[up]!]
      i = up
    }
  }

  /** Runs the next event. */
  next(): void {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length > 0) {
      heap[0] = last
      for (let i = 0; ; ) {
        let least = i
        for (const child of [2 * i + 1, 2 * i + 2])
          if (child < heap.length && heap[child]!.at < heap[least]!.at) least = child
        if (least === i) break
        ;[heap[least], heap[i]] = [heap[i]!, heap[least]!]
        i = least
      }
    }
    this.now = first.at
    first.run()
  }
}

interface Sequence {
  readonly tokens: number
  readonly done: () => void
}

/** Samples sequences together. All of them advance by one token at a time, so that they end in the order of their lengths. */
class Instance {
  /** Tokens that a sequence which has always been here has by now. */
  #position = 0
  #since = 0
  #context = 0
  /** Those that run, by the position at which they end, the last one first. */
  #running: { readonly ends: number; readonly sequence: Sequence }[] = []
  readonly #waiting: Sequence[] = []
  #plan = 0
  busy = 0

  constructor(
    private readonly agenda: Agenda,
    private readonly sampler: Sampler,
    private readonly promptTokens: number,
    private readonly expected: number,
  ) {}

  get load(): number {
    return this.#running.length + this.#waiting.length
  }

  add(sequence: Sequence): void {
    this.#advance()
    this.#waiting.push(sequence)
    this.#admit()
    this.#schedule()
  }

  #admit(): void {
    const room = kvRoom(this.sampler)
    while (
      this.#waiting.length > 0 &&
      (this.#running.length === 0 ||
        this.#context + (this.#running.length + 1) * (this.promptTokens + this.expected / 2) <= room)
    ) {
      const sequence = this.#waiting.shift()!
      const ends = this.#position + sequence.tokens
      // the last one first: the next to end is popped
      let [lo, hi] = [0, this.#running.length]
      while (lo < hi) {
        const middle = (lo + hi) >> 1
        if (this.#running[middle]!.ends > ends) lo = middle + 1
        else hi = middle
      }
      this.#running.splice(lo, 0, { ends, sequence })
      this.#context += this.promptTokens
    }
  }

  #rate(ahead: number): number {
    const b = this.#running.length
    return decodeSeconds(this.sampler, b, this.#context + (b * ahead) / 2)
  }

  #advance(): void {
    const elapsed = this.agenda.now - this.#since
    this.#since = this.agenda.now
    if (this.#running.length === 0 || elapsed === 0) return
    this.busy += elapsed
    const next = this.#running.at(-1)!.ends - this.#position
    const tokens = Math.min(next, elapsed / this.#rate(next))
    this.#position += tokens
    this.#context += tokens * this.#running.length
  }

  #schedule(): void {
    const plan = ++this.#plan
    const last = this.#running.at(-1)
    if (!last) return
    const tokens = last.ends - this.#position
    this.agenda.after(tokens * this.#rate(tokens), () => {
      if (plan !== this.#plan) return
      this.#advance()
      this.#position = last.ends
      const ended = []
      while (this.#running.length > 0 && this.#running.at(-1)!.ends <= this.#position + 1e-6)
        ended.push(this.#running.pop()!.sequence)
      for (const { tokens } of ended) this.#context -= this.promptTokens + tokens
      this.#admit()
      this.#schedule()
      for (const { done } of ended) done()
    })
  }
}

/** Log-normal lengths of the given mean and spread, cut at the longest. */
function lengths({ responses, meanTokens, spread, maxTokens }: Workload, random: Random): number[] {
  const variance = Math.log(1 + spread ** 2)
  return Array.from({ length: responses }, () => {
    const value = meanTokens * Math.exp(Math.sqrt(variance) * random.normal() - variance / 2)
    return Math.max(1, Math.min(maxTokens, Math.round(value)))
  })
}

/** Simulates rollouts, rewards, updates and transfers of weights, event by event. The same seed gives the same numbers. */
export function simulate(
  model: ModelCost,
  workload: Workload,
  cluster: Cluster,
  { rollouts = 6, warmup = 2, seed = 0 } = {},
): Simulated {
  const { device, devices, perSampler, tokensPerStep, apart } = cluster
  const agenda = new Agenda()
  const random = new Random('scale', seed)
  const trainers = apart ? apart.trainers : devices
  const samplers = Math.floor((apart ? devices - apart.trainers : devices) / perSampler)
  if (samplers < 1 || trainers < 1) throw new Error('there is no device to sample, or to train')
  const sampler: Sampler = { model, device, devices: perSampler, tokensPerStep }
  const instances = Array.from(
    { length: samplers },
    () => new Instance(agenda, sampler, workload.promptTokens, workload.meanTokens),
  )
  let rewarded = 0
  const rewarderFree = new Array<number>(workload.rewarders).fill(0)
  const staleness = apart?.staleness ?? 0
  const transfer = transferSeconds(model, device, trainers, perSampler)
  /** Rollouts that were trained on, whose weights the samplers have. */
  let version = 0
  let submitted = 0
  let trained = 0
  let isTraining = false
  let trainingSeconds = 0
  let ages = 0
  const ready = new Map<number, { readonly lengths: readonly number[]; readonly version: number }>()
  const ends: { at: number; busy: number; training: number; tokens: number }[] = []
  let tokens = 0

  const submit = (): void => {
    while (submitted <= version + staleness) {
      const rollout = submitted++
      const sampledWith = version
      const all = lengths(workload, random)
      let left = all.length
      // each to a sampler with the fewest
      const order = instances
        .map((instance) => ({ instance, load: instance.load }))
        .sort((a, b) => a.load - b.load)
      let turn = 0
      for (const length of all) {
        const least = order[turn]!
        least.load++
        turn = turn + 1 < samplers && order[turn + 1]!.load < least.load ? turn + 1 : 0
        least.instance.add({
          tokens: length,
          done: () => {
            // all rewards take the same time, so the rewarders are free in turn
            const turn = rewarded++ % workload.rewarders
            const at = Math.max(agenda.now, rewarderFree[turn]!) + workload.rewardSeconds
            rewarderFree[turn] = at
            agenda.after(at - agenda.now, () => {
              if (--left > 0) return
              ready.set(rollout, { lengths: all.map((n) => n + workload.promptTokens), version: sampledWith })
              train()
            })
          },
        })
      }
    }
  }
  const train = (): void => {
    const next = ready.get(trained)
    if (!next || isTraining) return
    isTraining = true
    ready.delete(trained)
    const seconds = trainSeconds(model, device, trainers, next.lengths, workload.passes)
    if (trained >= warmup && trained < rollouts)
      ages += (trained - next.version) * workload.updates + (workload.updates - 1) / 2
    agenda.after(seconds, () => {
      trainingSeconds += seconds
      trained++
      isTraining = false
      tokens += next.lengths.reduce((a, b) => a + b, 0) - next.lengths.length * workload.promptTokens
      ends.push({
        at: agenda.now,
        busy: instances.reduce((sum, { busy }) => sum + busy, 0),
        training: trainingSeconds,
        tokens,
      })
      agenda.after(transfer, () => {
        version++
        submit()
      })
      train()
    })
  }
  submit()
  // later rollouts are sampled until the last one that counts was trained on, since they slow it down
  while (trained < rollouts) agenda.next()
  const [first, last] = [ends[warmup - 1]!, ends.at(-1)!]
  const count = ends.length - warmup
  const span = last.at - first.at
  return {
    seconds: span / count,
    sampledTokens: (last.tokens - first.tokens) / count,
    sampling: (last.busy - first.busy) / (span * samplers),
    training: (last.training - first.training) / span,
    staleness: ages / count,
    bytesSent: sentBytes(model) * samplers,
  }
}

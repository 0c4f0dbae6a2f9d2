import { dpoLosses } from '../algorithms/dpo.ts'
import { klEstimators } from '../algorithms/kl.ts'
import {
  LEAST_TEMPERATURE,
  type Objective,
  ratioKinds,
  surrogateNames,
  temperatureOf,
} from '../algorithms/objectives.ts'
import { UserError } from '../common/errors.ts'
import type { AdamSettings, Capabilities, SampleOptions, Trainable } from './contract.ts'

/* Checks of settings that mean the same for every engine, made before anything is computed. */

/** @throws UserError for a sampling option outside its range. */
export function checkSampleOptions({
  n,
  maxTokens,
  temperature,
  topP = 1,
  topK = 0,
  minP = 0,
  seed,
  first = 0,
  topLogprobs = 0,
}: SampleOptions): void {
  requireThat('n', n, 'a whole number of at least 1', Number.isInteger(n) && n >= 1)
  requireThat(
    'maxTokens',
    maxTokens,
    'a whole number of at least 1',
    Number.isInteger(maxTokens) && maxTokens >= 1,
  )
  requireThat(
    'temperature',
    temperature,
    `0 (greedy), or ${A_TEMPERATURE}`,
    temperature === 0 || isTemperature(temperature),
  )
  requireThat('topP', topP, 'above 0 and at most 1', topP > 0 && topP <= 1)
  requireThat('topK', topK, 'a whole number of at least 0', Number.isInteger(topK) && topK >= 0)
  requireThat('minP', minP, 'at least 0 and at most 1', minP >= 0 && minP <= 1)
  requireThat('first', first, 'a whole number of at least 0', Number.isInteger(first) && first >= 0)
  requireThat(
    'topLogprobs',
    topLogprobs,
    'a whole number of at least 0',
    Number.isInteger(topLogprobs) && topLogprobs >= 0,
  )
  requireThat('seed', seed, 'a finite number', Number.isFinite(seed))
}

/** @throws UserError for a setting of AdamW outside its range. */
export function checkAdam(adam: AdamSettings): void {
  for (const name of ['learningRate', 'eps', 'weightDecay', 'gradClipNorm'] as const)
    requireThat(name, adam[name], NOT_NEGATIVE, notNegative(adam[name]))
  for (const name of ['beta1', 'beta2'] as const)
    requireThat(name, adam[name], 'at least 0 and below 1', adam[name] >= 0 && adam[name] < 1)
}

/** @throws UserError for the temperature of a distribution outside its range. */
export function checkTemperature(temperature: number): void {
  requireThat('temperature', temperature, A_TEMPERATURE, isTemperature(temperature))
}

/** @throws UserError for an objective with an unknown part, or with a number outside its range. */
export function checkObjective(objective: Objective): void {
  requireOneOf('the kind of an objective', objective.kind, ['cross_entropy', 'policy', 'preference', 'dpo'])
  if (objective.kind === 'dpo') {
    const { loss, beta, labelSmoothing, margin } = objective
    requireOneOf('the loss of an objective', loss, dpoLosses)
    requireThat('beta', beta, A_POSITIVE, isPositive(beta))
    requireThat(
      'labelSmoothing',
      labelSmoothing,
      'at least 0 and below 0.5',
      labelSmoothing >= 0 && labelSmoothing < 0.5,
    )
    requireThat('margin', margin, 'a finite number', Number.isFinite(margin))
  }
  if (objective.kind !== 'policy') return
  requireOneOf('the surrogate of an objective', objective.surrogate, surrogateNames)
  requireOneOf('the ratio of an objective', objective.ratio, ratioKinds)
  requireOneOf('the KL estimator of an objective', objective.kl.estimator, klEstimators)
  checkTemperature(temperatureOf(objective))
  const { gate, klCov } = objective
  for (const name of ['positive', 'negative'] as const)
    if (gate) requireThat(`gate.${name}`, gate[name], A_POSITIVE, isPositive(gate[name]))
  if (klCov !== undefined) requireThat('klCov', klCov, NOT_NEGATIVE, notNegative(klCov))
}

/** @throws UserError for weights that an engine cannot train, and for settings of adapters outside their range. */
export function checkTrainable(trainable: Trainable, can: Capabilities): void {
  requireOneOf('trainable', typeof trainable === 'string' ? trainable : 'lora', can.trainable)
  if (trainable === 'all') return
  const { rank, alpha } = trainable.lora
  requireThat('lora.rank', rank, 'a whole number of at least 1', Number.isInteger(rank) && rank >= 1)
  requireThat('lora.alpha', alpha, 'a finite number above 0', Number.isFinite(alpha) && alpha > 0)
}

/** @throws UserError for a number of threads that is not a whole number of at least 1. */
export function checkThreads(threads: number): void {
  requireThat('threads', threads, 'a whole number of at least 1', Number.isInteger(threads) && threads >= 1)
}

/** @throws UserError unless `value` is one of `names`. */
export function requireOneOf(what: string, value: string, names: readonly string[]): void {
  requireThat(what, value, `one of ${names.join(', ')}`, names.includes(value))
}

const A_TEMPERATURE = `a finite number of at least ${LEAST_TEMPERATURE}`
const isTemperature = (value: number): boolean => Number.isFinite(value) && value >= LEAST_TEMPERATURE

const A_POSITIVE = 'a finite number above 0'
const isPositive = (value: number): boolean => Number.isFinite(value) && value > 0

const NOT_NEGATIVE = 'a finite number of at least 0'
const notNegative = (value: number): boolean => Number.isFinite(value) && value >= 0

function requireThat(what: string, value: unknown, must: string, holds: boolean): void {
  if (!holds) throw new UserError(`${what} must be ${must}, not ${value}`)
}

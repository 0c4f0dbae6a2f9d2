import type { PolicyObjective, SurrogateName } from '../algorithms/objectives.ts'
import { type RlSettings, usesReference } from '../stages/reinforce/rl-settings.ts'
import { type Idle, idleIfGreedy } from './no-effect.ts'

type Part = keyof Pick<PolicyObjective, 'ratio' | 'clipLow' | 'clipHigh' | 'dualClip' | 'gate'>

/** The parts of the objective that each surrogate reads. */
const READS: Readonly<Record<SurrogateName, readonly Part[]>> = {
  clip: ['ratio', 'clipLow', 'clipHigh', 'dualClip'],
  importance: ['ratio'],
  cispo: ['ratio', 'clipLow', 'clipHigh'],
  sapo: ['ratio', 'gate'],
  reinforce: [],
}
/** The surrogate that each part is usually for. */
const USUAL: Readonly<Record<Part, SurrogateName>> = {
  ratio: 'clip',
  clipLow: 'clip',
  clipHigh: 'clip',
  dualClip: 'clip',
  gate: 'sapo',
}

/** The settings of reinforcement learning that have no effect where the others are like these. */
export function idleInZero(rl: RlSettings, evaluation: { readonly temperature: number }): Idle[] {
  const { objective, klInReward, dynamicSampling } = rl
  const { surrogate, kl } = objective
  return [
    ...Object.entries(USUAL)
      .filter(([part]) => !READS[surrogate].includes(part as Part))
      .map(([part, usual]) => ({
        setting: `rl.objective.${part}`,
        where: `on the surrogate ${surrogate}`,
        instead: `set rl.objective.surrogate=${usual}`,
      })),
    ...when(kl.beta === 0, {
      setting: 'rl.objective.kl.estimator',
      where: 'without a KL penalty in the loss (rl.objective.kl.beta is 0)',
      instead: 'set rl.objective.kl.beta above 0',
    }),
    ...when(klInReward?.beta === 0, {
      setting: 'rl.klInReward.estimator',
      where: 'without a KL penalty in the reward (rl.klInReward.beta is 0)',
      instead: 'set rl.klInReward.beta above 0',
    }),
    ...when(!usesReference(rl), {
      setting: 'rl.referenceRefresh',
      where: 'without a KL penalty, for which alone there is a reference policy',
      instead: 'set rl.objective.kl.beta above 0',
    }),
    ...when(dynamicSampling, {
      setting: 'rl.dropZeroVariance',
      where: 'with rl.dynamicSampling, which drops the same groups and replaces them',
      instead: 'set rl.dynamicSampling=false',
    }),
    ...idleIfGreedy('eval', evaluation),
  ]
}

const when = (isIdle: boolean, setting: Idle): Idle[] => (isIdle ? [setting] : [])

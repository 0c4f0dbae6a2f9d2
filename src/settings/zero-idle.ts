import type { PolicyObjective, SurrogateName } from '../algorithms/objectives.ts'
import { usesReference } from '../stages/reinforce/rl-settings.ts'
import { type Idle, idleIfGreedy } from './no-effect.ts'
import type { ZeroSettings } from './zero.ts'

type Part = keyof Pick<PolicyObjective, 'ratio' | 'clipLow' | 'clipHigh' | 'dualClip' | 'gate'>

/** The surrogates that read each part of the objective, the usual one first. */
const READ_BY: Readonly<Record<Part, readonly SurrogateName[]>> = {
  ratio: ['clip', 'importance', 'cispo', 'sapo'],
  clipLow: ['clip', 'cispo'],
  clipHigh: ['clip', 'cispo'],
  dualClip: ['clip'],
  gate: ['sapo'],
}

/** The settings of reinforcement learning that have no effect where the others are like these. */
export function idleInZero({ rl, eval: evaluation }: Pick<ZeroSettings, 'rl' | 'eval'>): Idle[] {
  const { objective, klInReward, dynamicSampling } = rl
  const { surrogate, kl } = objective
  return [
    ...Object.entries(READ_BY)
      .filter(([, surrogates]) => !surrogates.includes(surrogate))
      .map(([part, [usual]]) => ({
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

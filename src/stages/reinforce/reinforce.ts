import { groupAdvantages } from '../../algorithms/advantages.ts'
import { withPolicy } from '../../engines/policy.ts'
import type { Stop } from '../watch/alarm.ts'
import { SampledAhead } from './ahead.ts'
import { curriculumTask } from './curriculum.ts'
import { type Groups, sampleGroups } from './groups.ts'
import type { Reinforcement } from './job.ts'
import { openRecorder } from './record.ts'
import { ReferencePolicy } from './reference.ts'
import { usesReference } from './rl-settings.ts'
import { shapedRewards } from './shape.ts'
import { type Example, update } from './update.ts'

/**
 * Reinforcement learning from verifiable rewards, from the run's next step to `settings.steps`. Everything is a function
 * of (weights, seed, step), so a run resumed from a checkpoint equals an uninterrupted one. In names, P indexes the
 * question and G the member of its group. Resolves to the reason why it stopped early, or null.
 *
 * @throws NothingToLearn if in all steps so far there was nothing to learn from.
 */
export async function reinforce(job: Reinforcement): Promise<Stop | null> {
  const { run, engine, trainer, renderer, rewards, settings } = job
  const { rl, seed } = settings
  const reference = usesReference(rl)
    ? await ReferencePolicy.open(engine, run.checkpoint?.path ?? null, rl.temperature)
    : null
  const curriculum = curriculumTask(job.task, rl.curriculum, run.store)
  const { task } = curriculum
  const recorder = openRecorder(job, reference, curriculum)
  const ahead = new SampledAhead(
    (step) =>
      withPolicy(job, (sampler) =>
        sampleGroups({ sampler, reference, renderer, task, rewards, rl, seed, progress: run.progress }, step),
      ),
    settings.async?.staleness ?? 0,
    settings.steps,
  )
  try {
    let stop = await recorder.resume()
    for (let step = run.store.info().step + 1; step <= settings.steps && stop === null; step++) {
      // questions → rollouts → rewards
      const { groups, staleness } = await ahead.take(step)
      const rewards_P_G = shapedRewards(groups, settings, step)

      // rewards → advantages
      const advantages_P_G = groupAdvantages(rewards_P_G, rl.advantage)

      // advantages → datums → new weights
      const updated = await update(job, examples(groups, advantages_P_G), step, staleness)
      if (rl.referenceRefresh !== null && step % rl.referenceRefresh === 0) await reference?.refresh(trainer)

      // metrics and warnings; an evaluation and a checkpoint, if they are due
      stop = await recorder.record({ step, groups, rewards_P_G, advantages_P_G, updated, staleness })
    }
    return stop
  } finally {
    await ahead.end()
    await run.settled()
    await reference?.close()
  }
}

/** The rollouts to learn from: those with an advantage. */
function examples(
  { used_P_G, references_P_G }: Groups,
  advantages_P_G: readonly (readonly (number | null)[])[],
): Example[] {
  return used_P_G.flatMap((scored_G, p) =>
    scored_G.flatMap(({ rollout }, g): Example[] => {
      const advantage = advantages_P_G[p]![g]!
      return advantage === null ? [] : [{ rollout, advantage, reference: references_P_G[p]![g]! }]
    }),
  )
}

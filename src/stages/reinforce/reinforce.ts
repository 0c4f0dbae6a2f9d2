import { groupAdvantages } from '../../algorithms/advantages.ts'
import { UserError } from '../../common/errors.ts'
import { Random } from '../../common/random.ts'
import { stopwatch } from '../../common/stopwatch.ts'
import { plural } from '../../common/words.ts'
import { withPolicy } from '../../engines/policy.ts'
import { type Stop, stoppedBy } from '../watch/alarm.ts'
import { givenUp } from '../watch/nothing-to-learn.ts'
import { type Groups, sampleGroups } from './groups.ts'
import type { Reinforcement } from './job.ts'
import { openRecorder } from './record.ts'
import { ReferencePolicy } from './reference.ts'
import { shapedRewards } from './shape.ts'
import { type Example, update } from './update.ts'

/**
 * Reinforcement learning from verifiable rewards, from the run's next step to `settings.steps`. Everything is a function
 * of (weights, seed, step), so a run resumed from a checkpoint equals an uninterrupted one. In names, P indexes the
 * question and G the member of its group. Resolves to the reason why it stopped early, or null.
 *
 * @throws UserError if in all steps so far there was nothing to learn from: see `nothingToLearn`.
 */
export async function reinforce(job: Reinforcement): Promise<Stop | null> {
  const { run, engine, trainer, renderer, task, rewards, settings } = job
  const { rl, seed } = settings
  const reference = await ReferencePolicy.open(engine, run.checkpoint?.path ?? null, rl.temperature)
  const save = async (directory: string): Promise<void> => {
    await trainer.save(directory, { optimizer: true })
    await reference.save(directory)
  }
  const endStep = (step: number, last: boolean, score: number | null): Promise<void> =>
    run.endStep({
      due: last || step % settings.checkpointEvery === 0,
      seconds: settings.checkpointSeconds,
      last,
      score,
    })
  try {
    const done = run.store.info().step
    const stopped = settings.alarm === 'stop' ? stoppedBy(run.store) : null
    await evaluateIfMissing(job, {
      step: done,
      last: stopped !== null || done === settings.steps,
      save,
      endStep,
    })
    if (stopped) return stopped
    stopIf(givenUp(run.store))

    const recorder = openRecorder(job)
    for (let step = done + 1; step <= settings.steps; step++) {
      // questions → rollouts → rewards
      const groups = await withPolicy(job, (sampler) =>
        sampleGroups({ sampler, reference, renderer, task, rewards, rl, seed, progress: run.progress }, step),
      )
      const rewards_P_G = shapedRewards(
        groups,
        rl,
        settings.shuffleRewards ? new Random(seed, 'shuffle', step) : null,
      )

      // rewards → advantages
      const advantages_P_G = groupAdvantages(rewards_P_G, rl.advantage)

      // advantages → datums → new weights
      const seconds = stopwatch()
      const learnedFrom = examples(groups, advantages_P_G)
      run.progress(`learning from ${plural(learnedFrom.length, 'response')}`)
      const updated = await update(job, learnedFrom, settings, step)
      if (rl.referenceRefresh !== null && step % rl.referenceRefresh === 0) await reference.refresh(trainer)
      const trainingSeconds = seconds()

      // record the step, and evaluate the new policy if that is due
      const recorded = await recorder(
        { step, groups, rewards_P_G, advantages_P_G, updated, trainingSeconds },
        save,
      )
      await endStep(step, recorded.last, recorded.passAt1)
      stopIf(recorded.givenUp)
      if (recorded.stop) return recorded.stop
    }
    return null
  } finally {
    await run.settled()
    await reference.close()
  }
}

/** @throws UserError if there is a reason to give up the run. */
function stopIf(reason: string | null): void {
  if (reason !== null) throw new UserError(reason)
}

/** Does the evaluation that is due after the run's last step, if the run was stopped during it. */
async function evaluateIfMissing(
  { run, evaluate }: Reinforcement,
  {
    step,
    last,
    save,
    endStep,
  }: {
    readonly step: number
    readonly last: boolean
    readonly save: (directory: string) => Promise<void>
    readonly endStep: (step: number, last: boolean, score: number | null) => Promise<void>
  },
): Promise<void> {
  if (step === 0 || Object.keys(run.store.metricsAt(step)).some((name) => name.startsWith('eval/'))) return
  const evaluated = (await evaluate?.(step, last)) ?? {}
  if (Object.keys(evaluated).length === 0) return
  run.complete(step, evaluated, save)
  await endStep(step, last, evaluated.metrics?.['eval/pass@1'] ?? null)
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

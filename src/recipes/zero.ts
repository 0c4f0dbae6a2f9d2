import { UserError } from '../common/errors.ts'
import { warner } from '../common/warnings.ts'
import type { Engine } from '../engines/contract.ts'
import { type Requirements, requireCapabilities, withEngine } from '../engines/open.ts'
import { withPolicy } from '../engines/policy.ts'
import { modelFolder } from '../hub/find-model.ts'
import { readModelName } from '../providers/open-model.ts'
import { Renderer } from '../renderer/renderer.ts'
import { savingStopTokens } from '../renderer/stop-tokens.ts'
import { baseOfRun, checkLora, openTrainer } from '../runs/open-trainer.ts'
import { type Place, type Run, storedSettings, type Trained, withRun } from '../runs/with-run.ts'
import type { Tree } from '../settings/layers.ts'
import { resolveZeroSettings, type ZeroSettings } from '../settings/zero.ts'
import { separateOptions, type ZeroOptions, type ZeroOwn, type ZeroWatch } from '../settings/zero-options.ts'
import { checkRewards, rewardsOf } from '../settings/zero-rewards.ts'
import { type Evaluation, evaluate, evaluationFrom, warnIfUnknown } from '../stages/evaluate/evaluate.ts'
import { evaluationRecord } from '../stages/evaluate/record.ts'
import { reinforce } from '../stages/reinforce/reinforce.ts'
import { isTruncated, policyObjective, usesReference } from '../stages/reinforce/rl-settings.ts'
import { type Teacher, withTeacher } from '../stages/reinforce/teacher.ts'
import { askableTask } from '../stages/sample/askable.ts'
import { checkInterruption } from '../stages/sample/interruption.ts'
import type { Stop } from '../stages/watch/alarm.ts'
import { loadTask } from '../tasks/index.ts'
import type { Task } from '../tasks/task.ts'

/** Settings, task, custom parts and callbacks of one run. */
interface Job {
  readonly settings: ZeroSettings
  readonly renderer: Renderer
  readonly task: Task
  /** Objects from the calling program that settings cannot express. */
  readonly own: ZeroOwn
  readonly watch: ZeroWatch
  readonly teacher: Teacher | null
}

/**
 * R1-Zero (DeepSeek-R1, Nature 645, 633): reinforcement learning on a base model, with rewards that rules can check and
 * without supervised fine-tuning before.
 *
 * 1. **Template.** A question becomes "A conversation between User and Assistant. … The assistant first thinks about the
 *    reasoning process in the mind and then provides the user with the answer …" (`R1_ZERO_TEMPLATE`): the thinking goes
 *    into <think> </think>, the answer into <answer> </answer>.
 * 2. **Group.** The policy samples G responses to each question (`rl.groupSize`).
 * 3. **Two rewards.** Accuracy: is the answer right? Format: are the tags in place? A response's reward r is their weighted
 *    sum.
 * 4. **Advantage.** A_i = (r_i − mean(r_1 … r_G)) / std(r_1 … r_G): better or worse than the rest of the group.
 * 5. **GRPO.** Maximise min(ρA, clip(ρ, 1 − ε, 1 + ε)A) − β KL(π_θ ‖ π_ref) over the tokens of the responses, where
 *    ρ = π_θ / π_old and π_ref is the base model.
 * 6. **Held-out questions** measure the policy before, during and after.
 *
 * 2 to 5 are the steps of the loop in `stages/reinforce/reinforce.ts`.
 *
 * The model never sees a solution. It discovers by itself that longer thinking, checking and backtracking raise the
 * reward.
 */
async function train(
  run: Run,
  engine: Engine,
  { settings, renderer, task, own, watch, teacher }: Job,
): Promise<ZeroResult> {
  const { seed, rl } = settings
  watch.onStart?.(run.directory, settings)

  // the base model, or the weights of the last checkpoint
  run.progress('preparing the training')
  const trainer = run.stoppable(engine, savingStopTokens(await openTrainer(run, engine, settings), renderer))
  await run.restore((folder) => trainer.load(folder))

  // accuracy and format, unless the settings name others or the program has its own
  const rewards = rewardsOf(settings, own)

  // evaluation on held-out questions
  const evaluateHeldOut = (split: string) =>
    withPolicy({ engine, trainer }, async (policy) => {
      const { maxTokens, interruption } = rl
      const options = { ...settings.eval, maxTokens, interruption, seed, progress: run.progress }
      const evaluated = await evaluate(policy, renderer, task, options)
      if (split === 'eval-before') await warnIfUnknown(evaluated, watch.onWarning)
      const { metrics, rollouts = [] } = evaluationRecord(evaluated, split)
      return { metrics: { ...metrics, ...(await own.alsoMeasure?.(policy)) }, rollouts }
    })
  const before = evaluationFrom(await run.baseline(() => evaluateHeldOut('eval-before')))
  watch.onEvaluation?.('before', before)

  // step by step: questions → groups of rollouts → rewards → advantages → GRPO
  const stoppedBy = await reinforce({
    run,
    engine,
    trainer,
    renderer,
    task,
    rewards,
    teacher,
    settings: { ...settings, shuffleRewards: settings.rewards.shuffle },
    evaluate: async (step, last) => {
      if (last) return evaluateHeldOut('eval-after')
      return settings.eval.every > 0 && step % settings.eval.every === 0
        ? evaluateHeldOut(`eval-${step}`)
        : {}
    },
    onStep: watch.onStep,
    onWarning: watch.onWarning,
  })

  const steps = stoppedBy?.step ?? settings.steps
  const after = evaluationFrom(run.store.metricsAt(steps))
  watch.onEvaluation?.('after', after)
  return run.finish({ seed, steps, stoppedBy, before, after }, (folder) => trainer.save(folder))
}

/**
 * Trains R1-Zero.
 *
 * @example
 * const { before, after } = await zero({
 *   steps: 100,
 *   rewards: [{ name: 'brief', weight: 1, score: ({ tokens }) => -tokens / 100 }],
 * })
 *
 * @throws UserError for settings, a task or a model that cannot be used, before the run starts; `Interrupted`.
 */
export async function zero({ out, ...options }: ZeroOptions = {}): Promise<ZeroResult> {
  const { own, watch, given } = separateOptions(options)
  const named = resolveZeroSettings(given)
  checkRewards(named, own)
  const task = await openTask(named, own, watch)
  const settings = {
    ...named,
    model: await modelFolder(named.model, watch.onProgress),
    teacher: named.teacher && {
      ...named.teacher,
      model: await teacherFolder(named.teacher.model, watch.onProgress),
    },
  }
  const stored = {
    ...settings,
    own: {
      task: own.task !== undefined,
      rewards: own.rewards?.map(({ name, weight }) => ({ name, weight })) ?? null,
    },
  }
  const { seed, model } = settings
  const place = { recipe: 'zero', seed, settings: stored, out, model }
  return inRun(place, { settings, task, own, watch })
}

/**
 * Continues a run from its last checkpoint, with the same result as an uninterrupted run. A run with a program's own task
 * or rewards needs them again, and one whose model has been moved needs its folder.
 */
export async function resumeZero(
  directory: string,
  { model, ...options }: ZeroOwn & ZeroWatch & { readonly model?: string | undefined } = {},
): Promise<ZeroResult> {
  const { own: broughtBefore, ...tree } = storedSettings(directory, 'zero') as Tree & {
    own: { task: boolean; rewards: unknown[] | null }
  }
  const { own, watch } = separateOptions(options)
  if ((broughtBefore.task && !own.task) || (broughtBefore.rewards && !own.rewards))
    throw new UserError(
      `${directory} was started by a program with its own ${broughtBefore.task ? 'task' : 'rewards'}; resume it from there, with resumeZero`,
    )
  const stored = resolveZeroSettings(model === undefined ? tree : { ...tree, model })
  const settings = { ...stored, model: baseOfRun(directory, stored.model) }
  return inRun({ resume: directory }, { settings, task: await openTask(settings, own, watch), own, watch })
}

/** What reinforcement learning with these settings needs of an engine. */
export const policyRequirements = ({ rl, lora, async }: ZeroSettings): Requirements => ({
  lora,
  held: (async?.staleness ?? 0) + Number(usesReference(rl) && rl.referenceRefresh !== null),
  truncated: isTruncated(rl),
  objective: policyObjective(rl),
  // a prompt has at least one token
  tokens: 1 + rl.maxTokens,
})

/** The folder of a teacher. @throws UserError for a provider's model, which returns no log-probs of given tokens. */
function teacherFolder(name: string, progress: ZeroWatch['onProgress']): Promise<string> {
  if (readModelName(name).kind === 'provider')
    throw new UserError(
      `the teacher ${name} is a provider's model, which cannot score the student's tokens: give a model on this machine, or use \`ruminate distill --teacher ${name}\``,
      2,
    )
  return modelFolder(name, progress)
}

/**
 * Opens the model, then the run: a damaged model, one that cannot be trained like this, or one that cannot be asked the
 * task's questions fails before the run starts.
 */
function inRun(place: Place, job: Omit<Job, 'renderer' | 'teacher'>): Promise<ZeroResult> {
  const { settings, watch } = job
  const { model, chat, rl, seed } = settings
  const renderer = Renderer.load(model, settings)
  renderer.checkArguments(chat.arguments)
  checkInterruption(rl.interruption, renderer, rl.maxTokens)
  checkLora(settings)
  watch.onProgress?.('opening the model')
  const warn = warner(watch.onWarning)
  return withEngine({ ...settings, onWarning: warn }, (engine) =>
    withTeacher(settings, (teacher) => {
      requireCapabilities(engine.can, policyRequirements(settings))
      const task = askableTask(job.task, {
        ...rl,
        renderer,
        can: teacher ? teacher.limited(engine.can) : engine.can,
        heldOut: settings.eval.questions,
        seed,
        warn,
        progress: watch.onProgress ?? (() => {}),
      })
      teacher?.warnOfPrompts(task, renderer, warn)
      return withRun(place, watch, (run) => train(run, engine, { ...job, renderer, task, teacher }))
    }),
  )
}

/** The task of the settings, or the program's own. Fails if it has no training question. */
async function openTask(
  { task: name, columns, seed, rl, eval: { share } }: ZeroSettings,
  own: ZeroOwn,
  { onWarning, onProgress }: ZeroWatch,
): Promise<Task> {
  const options = { columns, heldOutShare: share, warn: onWarning, progress: onProgress }
  const task = own.task ?? (await loadTask(name, options))
  if (task.training({ seed, step: 1, count: rl.questionsPerStep }).length === 0)
    throw new UserError(`the task ${task.name} has no training question`)
  return task
}

export interface ZeroResult extends Trained {
  readonly seed: number
  readonly steps: number
  /** Why the training stopped early, or null. */
  readonly stoppedBy: Stop | null
  /** On held-out questions. */
  readonly before: Evaluation
  readonly after: Evaluation
}

import pc from 'picocolors'
import { pathFromHere } from '../../../common/files/paths.ts'
import { clock } from '../../../common/words.ts'
import type { ReinforceStep } from '../../../stages/reinforce/job.ts'
import type { Epochs } from '../../../stages/supervise/epochs.ts'
import type { FinetuneStep } from '../../../stages/supervise/finetune.ts'
import type { PretrainingStep } from '../../../stages/supervise/pretraining.ts'
import type { RewardStep } from '../../../stages/supervise/reward-model.ts'
import { type Output, percent } from '../output.ts'
import { tail } from '../width.ts'

/** Steps between two lines where the output is not a terminal. */
const EVERY = 10

/** Shows the state after a step in the live area; where there is none, on a line of its own if one is due. */
function showStep(output: Output, isDue: boolean, facts: readonly string[], sample = ''): void {
  if (output.isTerminal) output.step(facts, sample)
  else if (isDue) output.say([...facts, ...(sample ? [tail(sample, 60)] : [])].join(' · '))
}

/** Shows the steps of reinforcement learning. */
export function showReinforcement(output: Output, steps: number): (step: ReinforceStep) => void {
  const remaining = timeLeft()
  return ({ step, metrics, newest }) => {
    const left = remaining(step, steps)
    output.emit({ type: 'step', step, steps, secondsLeft: finite(left), metrics: finiteOnly(metrics) })
    const facts = [
      `step ${step}/${steps}`,
      ...known(left, (seconds) => `${clock(seconds)} left`),
      ...known(metrics['reward/total'], (reward) => `reward ${reward.toFixed(3)}`),
      ...known(metrics.accuracy, (share) => `${percent(share)} right`),
      ...known(metrics['length/mean'], (tokens) => `${tokens.toFixed(0)} tokens`),
      ...known(metrics['speed/sampling'], (speed) => `${speed.toFixed(0)} tok/s`),
    ]
    const evaluated = metrics['eval/pass@1']
    if (evaluated !== undefined)
      output.say(
        `step ${step}/${steps} · held-out pass@1 ${[pc.bold(percent(evaluated)), ...known(metrics['eval/length'], (tokens) => `${tokens.toFixed(0)} tokens per response`)].join(' · ')}`,
      )
    showStep(output, step % EVERY === 0 || step === 1, facts, newest.response)
  }
}

/** Shows the steps of pretraining. */
export function showPretraining(output: Output, tokens: number): (step: PretrainingStep) => void {
  const remaining = timeLeft()
  let loss: number | null = null
  return (now) => {
    loss = loss === null ? now.loss : 0.95 * loss + 0.05 * now.loss
    const left = remaining(now.tokens, tokens)
    output.emit({ type: 'step', ...now, secondsLeft: finite(left) })
    const facts = [
      `step ${now.step}`,
      ...known(left, (seconds) => `${clock(seconds)} left`),
      `${percent(now.tokens / tokens)} of ${(tokens / 1e6).toFixed(1)}M tokens`,
      `loss ${loss.toFixed(4)}`,
      `${now.tokensPerSecond.toFixed(0)} tok/s`,
    ]
    showStep(output, now.step % (10 * EVERY) === 0 || now.step === 1, facts)
  }
}

/** Shows the steps of fine-tuning. */
export function showFinetuning(output: Output): (step: FinetuneStep) => void {
  const remaining = timeLeft()
  return (now) => {
    const { step, steps, heldOut } = now
    const left = remaining(step, steps)
    output.emit({ type: 'step', ...now, secondsLeft: finite(left) })
    if (heldOut) output.say(`step ${step}/${steps} · held-out loss ${pc.bold(heldOut.loss.toFixed(4))}`)
    const facts = [
      `step ${step}/${steps}`,
      ...known(left, (seconds) => `${clock(seconds)} left`),
      `epoch ${now.epoch.toFixed(2)}`,
      `loss ${now.loss.toFixed(4)}`,
      `${now.tokensPerSecond.toFixed(0)} learned tok/s`,
    ]
    showStep(output, step % EVERY === 0 || step === 1, facts)
  }
}

/** Shows the steps of training a reward model. */
export function showRewardTraining(output: Output): (step: RewardStep) => void {
  const remaining = timeLeft()
  return (now) => {
    const { step, steps, heldOut } = now
    const left = remaining(step, steps)
    output.emit({ type: 'step', ...now, secondsLeft: finite(left) })
    if (heldOut)
      output.say(
        `step ${step}/${steps} · held out: ${pc.bold(percent(heldOut.accuracy))} right, loss ${heldOut.loss.toFixed(4)}`,
      )
    const facts = [
      `step ${step}/${steps}`,
      ...known(left, (seconds) => `${clock(seconds)} left`),
      `epoch ${now.epoch.toFixed(2)}`,
      `loss ${now.loss.toFixed(4)}`,
      ...known(now.accuracy, (share) => `${percent(share)} right`),
      `${now.tokensPerSecond.toFixed(0)} tok/s`,
    ]
    showStep(output, step % EVERY === 0 || step === 1, facts)
  }
}

/** Seconds left, estimated from the pace since the first call. */
function timeLeft(): (done: number, all: number) => number {
  let first: { at: number; done: number } | null = null
  return (done, all) => {
    first ??= { at: performance.now(), done }
    const pace = (performance.now() - first.at) / 1000 / (done - first.done)
    return Number.isFinite(pace) ? pace * (all - done) : Number.NaN
  }
}

/** A fact about a number; nothing while the number is unknown. */
const known = (value: number | undefined, fact: (value: number) => string): string[] =>
  value === undefined || !Number.isFinite(value) ? [] : [fact(value)]

/** JSON has no NaN: an unknown number is null. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

/** Unknown metrics are left out. */
function finiteOnly(metrics: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)))
}

/** Says which step had the lowest held-out loss, if it was not the last one, and where its model is. */
export function showBest(output: Output, { best, steps }: Pick<Epochs<unknown>, 'best' | 'steps'>): void {
  if (best.step === steps) return
  output.say(
    `\nThe loss was lowest at step ${best.step} (${best.loss.toFixed(4)}); the model of that step is ${pathFromHere(best.checkpoint)}.`,
  )
}

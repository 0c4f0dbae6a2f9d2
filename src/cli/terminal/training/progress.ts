import pc from 'picocolors'
import type { ReinforceStep } from '../../../stages/reinforce/job.ts'
import type { FinetuneStep } from '../../../stages/supervise/finetune.ts'
import type { PretrainingStep } from '../../../stages/supervise/pretraining.ts'
import type { RewardStep } from '../../../stages/supervise/reward-model.ts'
import { clock, type Output, percent, tail } from '../output.ts'

/** Steps between two lines where the output is not a terminal. */
const EVERY = 10

/** Shows the steps of reinforcement learning: one live line on a terminal, otherwise a line every ten steps. */
export function showReinforcement(output: Output, steps: number): (step: ReinforceStep) => void {
  const remaining = timeLeft()
  return ({ step, metrics, newest }) => {
    const left = remaining(step, steps)
    output.emit({ type: 'step', step, steps, secondsLeft: finite(left), metrics: finiteOnly(metrics) })
    const facts = [
      `step ${step}/${steps}`,
      `${clock(left)} left`,
      `reward ${fixed(metrics['reward/total'], 3)}`,
      `accuracy ${percent(metrics.accuracy)}`,
      `length ${fixed(metrics['length/mean'], 0)}`,
      `${fixed(metrics['speed/sampling'], 0)} tok/s`,
    ]
    const evaluated = metrics['eval/pass@1']
    if (evaluated !== undefined)
      output.say(
        `step ${step}/${steps} · held-out pass@1 ${pc.bold(percent(evaluated))} · ${fixed(metrics['eval/length'], 0)} tokens per response`,
      )
    if (output.isTerminal) output.live(`${facts.join(' · ')} · ${tail(newest.response, 60)}`)
    else if (step % EVERY === 0 || step === 1)
      output.say(`${facts.join(' · ')} · ${tail(newest.response, 60)}`)
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
      `${percent(now.tokens / tokens)} of ${(tokens / 1e6).toFixed(1)}M tokens`,
      `loss ${loss.toFixed(4)}`,
      `${now.tokensPerSecond.toFixed(0)} tok/s`,
      `${clock(left)} left`,
    ]
    if (output.isTerminal) output.live(facts.join(' · '))
    else if (now.step % (10 * EVERY) === 0 || now.step === 1) output.say(facts.join(' · '))
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
      `epoch ${now.epoch.toFixed(2)}`,
      `loss ${now.loss.toFixed(4)}`,
      `${now.tokensPerSecond.toFixed(0)} learned tok/s`,
      `${clock(left)} left`,
    ]
    if (output.isTerminal) output.live(facts.join(' · '))
    else if (step % EVERY === 0 || step === 1) output.say(facts.join(' · '))
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
      `epoch ${now.epoch.toFixed(2)}`,
      `loss ${now.loss.toFixed(4)}`,
      `${percent(now.accuracy)} right`,
      `${now.tokensPerSecond.toFixed(0)} tok/s`,
      `${clock(left)} left`,
    ]
    if (output.isTerminal) output.live(facts.join(' · '))
    else if (step % EVERY === 0 || step === 1) output.say(facts.join(' · '))
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

function fixed(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? '–' : value.toFixed(digits)
}

/** JSON has no NaN: an unknown number is null. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

/** Unknown metrics are left out. */
function finiteOnly(metrics: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)))
}

import { UserError } from '../../common/errors.ts'
import type { RunStore } from '../../runs/store.ts'
import { isAllRight, MANY, obstacle, type Symptoms, valuesOf } from './diagnose.ts'

/*
 * When a run is given up: in every step so far there was nothing to learn from, since the rewards within each group were
 * equal, or no reward was known. What is rare must have had the time to occur.
 */

/** No run is given up before this step. */
const STEPS = 3
/**
 * Rollouts without a difference after which a run is given up: a base that is right once in 500 responses goes that long
 * without a right one in e^(−1500/500) = 5 % of the runs.
 */
const RARE = 1500
/** The same at the end of a run, which then has learned nothing, whatever could still have come. */
const AT_END = 50

/** Every reason to give up a run starts with this. */
const NOTHING = 'there was nothing to learn from'

/** The setting with which such a run goes on. */
const GO_ON = 'whenNothingToLearn=continue'

/** A run is given up, or not begun, since there is nothing to learn from. Its message says how to go on regardless. */
export class NothingToLearn extends UserError {
  readonly #reason: string

  constructor(reason: string, exitCode?: 1 | 2, goOn = GO_ON) {
    super(`${reason}. To go on regardless, set ${goOn}`, exitCode)
    this.#reason = reason
  }

  /** The error for a stage of a run. `path`: where the settings of the stage are among those of the run. */
  ofStage(name: string, path: string): NothingToLearn {
    return new NothingToLearn(`${name}: ${this.#reason}`, this.exitCode, `${path}.${GO_ON}`)
  }
}

/** Why the run should not go on, with what helps; null if it should. */
export function nothingToLearn(symptoms: Symptoms): string | null {
  const { steps, rollouts } = symptoms.all
  if (!isHopeless(symptoms)) return null
  return `${NOTHING} in ${steps === 1 ? 'the only step' : `any of the first ${steps} steps`} (${rollouts} rollouts): ${obstacle(symptoms) ?? 'no two responses to a question had different rewards'}`
}

function isHopeless(symptoms: Symptoms): boolean {
  const { all, last } = symptoms
  if (all.differing !== 0) return false
  if (all.rewarded === 0) return last || all.steps >= STEPS
  if (all.steps < STEPS) return false
  return all.rollouts >= (last ? AT_END : isConstant(symptoms) ? MANY : RARE)
}

/**
 * Does every response get the same number other than 0 from each reward? Then it is no rare event that is missing: where
 * that is paid for, the reward is 0 until it occurs.
 */
const isConstant = (s: Symptoms): boolean =>
  s.rewards.length > 0 &&
  !isAllRight(s.all) &&
  s.rewards.every((name) => {
    const [value, ...others] = valuesOf(s, name)
    return typeof value === 'number' && value !== 0 && others.length === 0
  })

/** Why the run was given up at its last step; null if it was not. */
export function givenUp(store: RunStore): string | null {
  const { step } = store.info()
  return (
    store.events().find((event) => event.step === step && event.message.startsWith(NOTHING))?.message ?? null
  )
}

import { plural } from '../../common/words.ts'
import type { Seen } from './seen.ts'

/** A rollout of the newest step, as the diagnosis reads it. */
export interface Sample {
  /** The question as text. */
  readonly question: string
  /** The expected answer. */
  readonly gold: string
  /** The response. */
  readonly text: string
  readonly answer: string | null
  /** Weighted sum of the rewards; null if it is unknown. */
  readonly total: number | null
  readonly correct: boolean | null
  /** Why the check found the answer right or wrong, or could not tell. */
  readonly reason: string
  /** Each reward by name; null if it is unknown or failed. */
  readonly rewards: Readonly<Record<string, number | null>>
  /** Messages of the rewards that failed. */
  readonly errors: readonly string[]
  readonly stopReason: 'stop' | 'length'
}

/** Input of the diagnosis. */
export interface Symptoms {
  /** Metrics of the last steps, at most `PATIENCE`, newest last. */
  readonly window: readonly Readonly<Record<string, number>>[]
  /** The rollouts of the newest step. */
  readonly samples: readonly Sample[]
  /** What was sampled since the run began. */
  readonly all: Seen
  /** What was sampled in the steps of the window. */
  readonly recent: Seen
  /** Names of the rewards with a weight. */
  readonly rewards: readonly string[]
  /** Are the rewards of each step shuffled, as in a control experiment? */
  readonly shuffled: boolean
  /** Does a teacher teach, whatever the rewards are? */
  readonly taught?: boolean | undefined
  /** Was this the last step? */
  readonly last: boolean
}

interface Cause {
  readonly applies: (s: Symptoms) => boolean
  /** Names the cause, then what helps. */
  readonly message: (s: Symptoms) => string
  /** Is this rollout an example of the cause? */
  readonly shows?: (sample: Sample) => boolean
  /** Set if nothing at all can be learned because of this. */
  readonly blocks?: (s: Symptoms) => boolean
}

/** A symptom is reported once this many steps in a row have had it, */
export const PATIENCE = 5
/** or fewer steps with this many rollouts. */
export const MANY = 200
/** Groups with equal rewards are reported after this many rollouts. */
const MANY_EQUAL = 50

/** Are there enough steps or rollouts in the window to report what all of them have in common? */
const isEvident = (s: Symptoms, many = MANY): boolean =>
  s.window.length > 0 && (s.window.length >= PATIENCE || s.recent.rollouts >= many || s.last)

/** Is the metric known, and does it pass the test, in every step of the window? */
const throughout = (s: Symptoms, name: string, test: (value: number) => boolean): boolean =>
  s.window.length > 0 && s.window.every((metrics) => metrics[name] !== undefined && test(metrics[name]))

const percent = (value: number | undefined): string =>
  value === undefined ? 'unknown' : `${Math.round(100 * value)} %`
const newest = (s: Symptoms, name: string): number | undefined => s.window.at(-1)?.[name]
/** "a", "a and b", "a, b, and c". */
const listed = (names: readonly string[]): string => new Intl.ListFormat('en').format(names)

const isFailed = ({ errors }: Sample): boolean => errors.length > 0
const failures = (s: Symptoms): string[] => s.samples.flatMap(({ errors }) => errors.map(oneLine))
const isUnrewarded = (s: Symptoms): boolean =>
  s.samples.length > 0 && s.samples.every(({ total }) => total === null)
/** Have the rewards of every group in the window been equal, and known? */
const isEqual = (s: Symptoms): boolean =>
  !s.taught && s.recent.differing === 0 && s.recent.rewarded > 0 && isEvident(s, MANY_EQUAL)
const isCut = (v: number): boolean => v > 0.9
/** Is there an answer in none of the newest responses, although they were not cut off? */
const isUnanswered = (s: Symptoms): boolean =>
  s.samples.length > 0 &&
  s.samples.every(({ answer }) => answer === null) &&
  !isCut(newest(s, 'length/cut') ?? 0)
/** Have responses hardly ever ended, or had no answer? Then that is why the format never occurs and nothing is right. */
const isUnread = (s: Symptoms): boolean => isUnanswered(s) || isCut(newest(s, 'length/cut') ?? 0)
const isUnchecked = (s: Symptoms): boolean => s.samples.every(({ correct }) => correct === null)
/** Is nothing to be learned from the rewards, as in a control experiment or from a teacher alone? */
const isControl = (s: Symptoms): boolean =>
  s.shuffled || s.taught === true || throughout(s, 'learning_rate', (v) => v === 0)
const isNothingRight = ({ checked, right }: Seen): boolean => checked > 0 && right === 0
export const isAllRight = ({ checked, right }: Seen): boolean => checked > 0 && right === checked

/** The values of a reward in the newest step, without repeats. */
export const valuesOf = (s: Symptoms, name: string): (number | null)[] => [
  ...new Set(s.samples.flatMap(({ rewards }) => rewards[name] ?? (name in rewards ? [null] : []))),
]
const unknown = (s: Symptoms): string[] => s.rewards.filter((name) => valuesOf(s, name).includes(null))

/** The one reward of all rollouts in the window, or null if they differ or one of the newest is unknown. */
function commonReward(s: Symptoms): number | null {
  const [total = null, ...others] = new Set(s.samples.map((sample) => sample.total))
  if (total === null || others.length > 0) return null
  const isSteady = (name: string): boolean => {
    const means = s.window.flatMap((metrics) => metrics[`reward/${name}`] ?? [])
    return means.every((mean) => Math.abs(mean - means.at(-1)!) < 1e-6)
  }
  return s.rewards.every(isSteady) ? total : null
}

/** Are all responses to each question the same text? */
function isRepeating(s: Symptoms): boolean {
  const texts = new Map<string, string[]>()
  for (const { question, text } of s.samples) texts.set(question, [...(texts.get(question) ?? []), text])
  const groups = [...texts.values()]
  return groups.some(({ length }) => length > 1) && groups.every((group) => new Set(group).size === 1)
}

/** Does one of the named rewards pay for right answers? */
const isForAnswers = (s: Symptoms): boolean =>
  s.rewards.some((name) => ['accuracy', 'code', 'cosine'].includes(name))

const EASIER =
  'use easier questions, fine-tune the base on answered questions first (`ruminate sft`), or use another base (--model)'
const OTHER_FORM = 'If the answers are right, the check expects another form of them'

const CAUSES: Cause[] = [
  {
    applies: (s) => isUnrewarded(s) && failures(s).length > 0,
    message: (s) =>
      `a reward fails on each of the ${plural(s.samples.length, 'rollout')}, so nothing can be learned from them: correct it, or what it calls. The first: ${failures(s)[0]}`,
    shows: isFailed,
    blocks: () => true,
  },
  {
    applies: (s) => failures(s).length > 0 && !isUnrewarded(s),
    message: (s) =>
      `${plural(failures(s).length, 'reward computation')} failed; ${
        s.samples.some((sample) => isFailed(sample) && sample.total === null)
          ? 'those rollouts are left out of the update'
          : 'these rewards have the weight 0, so only their measurement is missing'
      }. The first: ${failures(s)[0]}`,
    shows: isFailed,
  },
  {
    applies: (s) => isUnrewarded(s) && failures(s).length === 0 && !isUnchecked(s),
    message: (s) =>
      `no rollout has a known reward, so nothing can be learned: ${listed(unknown(s))} ${unknown(s).length === 1 ? 'is' : 'are'} null (unknown) for every response. Return a number where there is one, or use another reward`,
    shows: () => true,
    blocks: () => true,
  },
  {
    applies: (s) => isUnrewarded(s) && failures(s).length === 0 && isUnchecked(s),
    message: (s) =>
      `no rollout has a known reward, so nothing can be learned: ${listed(unknown(s))} cannot be computed. Use questions whose answers can be checked (\`ruminate tasks check FILE\`), or rewards that need none. The first: ${oneLine(s.samples[0]!.reason)}`,
    shows: () => true,
    blocks: () => true,
  },
  {
    applies: (s) => (isEvident(s) || isEqual(s)) && throughout(s, 'length/cut', isCut),
    message: (s) =>
      `${percent(newest(s, 'length/cut'))} of the responses are cut off before they end: raise rl.maxTokens, or use a model that ends its responses`,
    shows: (sample) => sample.stopReason === 'length',
    blocks: (s) => isEqual(s) && !isAllRight(s.recent),
  },
  {
    applies: isUnanswered,
    message: () =>
      'no answer could be read from any response (no <answer> part), so accuracy can only be 0: fine-tune the base on answers in this format first (`ruminate sft`), or use another base (--model)',
    shows: (sample) => sample.answer === null,
    blocks: (s) => isEqual(s) && isForAnswers(s),
  },
  {
    applies: (s) => isEvident(s) && throughout(s, 'format', (v) => v === 0) && !isUnread(s),
    message: () =>
      'the format never occurs (<think>…</think><answer>…</answer>), and the model cannot find it by chance: fine-tune it on a few examples first (`ruminate sft`)',
    shows: (sample) => sample.answer === null || sample.total === 0,
  },
  {
    applies: (s) => throughout(s, 'learning_rate', (v) => v === 0),
    message: () => 'the learning rate is 0: nothing is learned',
  },
  {
    applies: (s) => s.shuffled,
    message: () =>
      'the rewards are shuffled among the responses (rewards.shuffle=true), so how to answer cannot be learned: this is a control',
  },
  {
    applies: (s) =>
      isNothingRight(s.all) &&
      (s.all.checked >= MANY || s.last) &&
      !isEqual(s) &&
      !isUnread(s) &&
      !isControl(s),
    message: (s) => {
      const others = listed(s.rewards.filter((name) => name !== 'accuracy')) || 'length'
      return `none of the first ${plural(s.all.checked, 'answer')} is right, so only ${others} can be learned, and not how to answer: ${EASIER}. ${OTHER_FORM}`
    },
    shows: (sample) => sample.correct === false,
  },
  {
    applies: (s) => isEqual(s) && isForAnswers(s) && isNothingRight(s.recent) && !isUnread(s),
    message: (s) =>
      `all rewards within each group are the same, because none of ${plural(s.recent.checked, 'answer')} is right: ${EASIER}. ${OTHER_FORM}`,
    shows: (sample) => sample.correct === false,
    blocks: () => true,
  },
  {
    applies: (s) => isEqual(s) && isForAnswers(s) && isAllRight(s.recent),
    message: () =>
      'all rewards within each group are the same, because every answer is right: the questions are too easy; use harder ones',
    shows: (sample) => sample.correct === true,
    blocks: () => true,
  },
  {
    applies: (s) => isEqual(s) && s.rewards.length === 0,
    message: () => 'no reward has a weight: set one above 0, such as rewards.accuracy=1',
    blocks: () => true,
  },
  {
    applies: (s) => isEqual(s) && s.rewards.length > 0 && isRepeating(s),
    message: () =>
      'all responses to a question are the same text, so their rewards are equal and nothing can be learned: raise rl.temperature, or loosen rl.topK, rl.topP and rl.minP',
    shows: () => true,
    blocks: () => true,
  },
  {
    applies: (s) => isEqual(s) && s.rewards.length > 0 && !isRepeating(s) && !isDueToAnswers(s),
    message: (s) => {
      const rewards = listed(s.rewards)
      if (commonReward(s) === null)
        return `all rewards within each group are the same (${rewards}), so every advantage is 0: raise rl.groupSize or rl.temperature, or mix easier and harder questions`
      const right = isNothingRight(s.all)
        ? `. No answer is right; if the reward pays for that, ${EASIER}`
        : ''
      return `every response gets the same reward, ${commonReward(s)}, whatever it says, so nothing can be learned: correct ${rewards}, or add a reward that tells better responses from worse${right}`
    },
    shows: () => true,
    blocks: () => true,
  },
  {
    applies: (s) => isEvident(s) && throughout(s, 'grad_norm', (v) => v === 0) && s.recent.differing > 0,
    message: () =>
      'the gradient is 0 although rewards differ: every token is clipped or masked; look at clip/low, clip/high and length/cut',
  },
  {
    applies: (s) => isEvident(s) && throughout(s, 'mismatch/max', (v) => v > 0.1),
    message: (s) =>
      `sampler and trainer disagree by up to ${newest(s, 'mismatch/max')?.toFixed(3)} nats per token: the trainer's log-probs do not match the sampler's`,
  },
  {
    applies: (s) => isEvident(s) && throughout(s, 'entropy', (v) => v < 0.001),
    message: (s) =>
      `the entropy has fallen to ${newest(s, 'entropy')?.toExponential(1)} nats: the policy no longer explores`,
  },
]

/** Are rewards equal because no answer could be read, or all are wrong, or all are right? */
const isDueToAnswers = (s: Symptoms): boolean =>
  isForAnswers(s) && (isUnread(s) || isNothingRight(s.recent) || isAllRight(s.recent))

/** Messages for the known reasons why a run does not learn, each with what helps and with an example if there is one. */
export function diagnose(symptoms: Symptoms): string[] {
  return CAUSES.filter((cause) => cause.applies(symptoms)).map((cause) => describe(cause, symptoms))
}

/** The first of these messages that alone explains why nothing at all can be learned, or null. */
export function obstacle(symptoms: Symptoms): string | null {
  const cause = CAUSES.find(({ applies, blocks }) => blocks && applies(symptoms) && blocks(symptoms))
  return cause ? describe(cause, symptoms) : null
}

function describe({ message, shows }: Cause, symptoms: Symptoms): string {
  const shown = shows ? symptoms.samples.filter(shows) : []
  const sample = shown.find(({ answer }) => answer !== null) ?? shown[0]
  return sample ? `${message(symptoms)}. For example: ${exampleOf(sample)}` : message(symptoms)
}

/** The question of a rollout, what the model answered, and what was expected. */
function exampleOf({ question, text, answer, gold, correct }: Sample): string {
  const said = answer === null ? `the response ${excerpt(text)}` : `the answer ${excerpt(answer)}`
  const expected = correct === false && gold !== '' ? ` instead of ${excerpt(gold)}` : ''
  return `${excerpt(question)} got ${said}${expected}`
}

/** The text in quotes on one line, shortened to its beginning and end. */
export const excerpt = (text: string): string => shortened(JSON.stringify(text.trim()))

const oneLine = (text: string): string => shortened(text.replace(/\s+/g, ' ').trim())
const shortened = (line: string): string =>
  line.length > 200 ? `${line.slice(0, 120)} … ${line.slice(-70)}` : line

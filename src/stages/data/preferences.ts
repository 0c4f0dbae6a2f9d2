import { Random } from '../../common/random.ts'
import type { Generator } from '../../providers/generator.ts'
import { judgePair, judgeSafety } from '../../rewards/judge.ts'
import type { Question } from '../../tasks/task.ts'
import type { SampledRollout } from '../sample/rollouts.ts'

/** Two things said to the user, the better one first. */
export interface PreferencePair {
  readonly question: Question
  readonly chosen: string
  readonly rejected: string
  /** Δ, the mean of the judge's votes. */
  readonly margin: number
}

export interface PairData {
  readonly pairs: readonly PreferencePair[]
  /** What became of the pairs that were judged. */
  readonly judged: number
  readonly unknown: number
  /** |Δ| is not above the least margin. */
  readonly close: number
  /** Left out so that the better one is the longer one as often as not. */
  readonly unbalanced: number
}

export interface PairOptions {
  readonly judge: Generator
  readonly seed: number
  /** How often a pair is judged. */
  readonly times: number
  /** Pairs with |Δ| above this are kept. */
  readonly minMargin: number
  /** Most pairs of answers to one question, and of one of them with an answer to another question. */
  readonly perQuestion: number
}

/**
 * Pairs for a helpful reward model (DeepSeek-R1, Nature 645, Methods): a judge is asked several times with the order of
 * the answers swapped, pairs with Δ > 1 are kept, and chosen and rejected answers are balanced in length. The judge
 * reads what is said to the user, not the thinking. As many pairs again have an answer to another question of its kind:
 * without them a model of style does well, and pays for one fine answer to everything.
 *
 * @throws UserError where the judge cannot be reached.
 */
export async function preferencePairs(
  rollouts_P_G: readonly (readonly SampledRollout[])[],
  { judge, seed, times, minMargin, perQuestion }: PairOptions,
): Promise<PairData> {
  const groups = rollouts_P_G.map((rollouts_G) => ({
    question: rollouts_G[0]!.question,
    said: [...new Set(rollouts_G.flatMap(({ summary }) => summary ?? []))],
  }))
  const ofKind = new Map<string | undefined, { prompt: string; answer: string }[]>()
  for (const { question, said } of groups) {
    const answers = ofKind.get(question.kind) ?? []
    for (const answer of said) answers.push({ prompt: question.prompt, answer })
    ofKind.set(question.kind, answers)
  }
  const candidates = groups.flatMap(({ question, said }, p) => {
    const random = new Random(seed, 'pairs', p)
    const pairs = said.flatMap((a, i) => said.slice(i + 1).map((b) => ({ a, b })))
    const drawn = random.shuffle(pairs).slice(0, perQuestion)
    const answers = ofKind.get(question.kind)!
    const strangers = new Set<string>()
    // A draw may fall on an answer of this prompt, so that there are more draws than are needed.
    for (let draw = 0; answers.length > 0 && strangers.size < perQuestion && draw < 8 * perQuestion; draw++) {
      const { prompt, answer } = random.pick(answers)
      if (prompt !== question.prompt && !said.includes(answer)) strangers.add(answer)
    }
    if (said.length > 0) for (const b of strangers) drawn.push({ a: random.pick(said), b })
    return drawn.map((pair) => ({ question, ...pair }))
  })
  const judged = await Promise.all(
    candidates.map(async ({ question, a, b }) => ({
      question,
      a,
      b,
      margin: (await judgePair(judge, { question: question.prompt, a, b }, { times, seed })).margin,
    })),
  )
  const known = judged.filter(({ margin }) => margin !== null)
  const clear = known.flatMap(({ question, a, b, margin }): PreferencePair[] => {
    if (Math.abs(margin!) <= minMargin) return []
    const [chosen, rejected] = margin! > 0 ? [a, b] : [b, a]
    return [{ question, chosen, rejected, margin: Math.abs(margin!) }]
  })
  const pairs = balanced(clear, seed)
  return {
    pairs,
    judged: judged.length,
    unknown: judged.length - known.length,
    close: known.length - clear.length,
    unbalanced: clear.length - pairs.length,
  }
}

/** As many pairs whose chosen answer is the longer one as pairs whose rejected answer is. */
function balanced(pairs: readonly PreferencePair[], seed: number): PreferencePair[] {
  const sign = ({ chosen, rejected }: PreferencePair) => Math.sign(chosen.length - rejected.length)
  const side = (of: number) =>
    new Random(seed, 'balance', of).shuffle(pairs.filter((pair) => sign(pair) === of))
  const [longer, shorter] = [side(1), side(-1)]
  const each = Math.min(longer.length, shorter.length)
  const kept = new Set([...longer.slice(0, each), ...shorter.slice(0, each)])
  return pairs.filter((pair) => sign(pair) === 0 || kept.has(pair))
}

/** A whole response, labelled safe or not. */
export interface SafetyLabel {
  readonly question: Question
  readonly response: string
  readonly safe: boolean
}

export interface LabelData {
  readonly labels: readonly SafetyLabel[]
  readonly judged: number
  readonly unknown: number
  /** Left out so that there are as many safe ones as unsafe ones. */
  readonly unbalanced: number
}

/** One of each in turn, then what is left of the longer one. */
function alternately<T>(a: readonly T[], b: readonly T[]): T[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => [
    a.slice(i, i + 1),
    b.slice(i, i + 1),
  ]).flat(2)
}

/**
 * Labels for a harmlessness reward model: whole responses that a judge finds safe or unsafe, as many of the one as of
 * the other. Half of the safe ones answer prompts of the kinds that were answered unsafely too, so that it is the
 * response that tells them apart, not the prompt. An empty response is left out.
 *
 * @throws UserError where the judge cannot be reached.
 */
export async function safetyLabels(
  rollouts: readonly SampledRollout[],
  { judge, seed, times }: Pick<PairOptions, 'judge' | 'seed' | 'times'>,
): Promise<LabelData> {
  const distinct = new Map(
    rollouts.map(({ question, response }) => [
      JSON.stringify([question.prompt, response]),
      { question, response: response.trim() },
    ]),
  )
  const judged = await Promise.all(
    [...distinct.values()].map(async ({ question, response }) => ({
      question,
      response,
      safe: await judgeSafety(judge, { question: question.prompt, response }, { times, seed }),
    })),
  )
  const known = judged.filter((label): label is SafetyLabel => label.safe !== null)
  const random = new Random(seed, 'labels')
  const draw = (labels: readonly SafetyLabel[]) =>
    random.shuffle([...labels]).filter(({ response }) => response !== '')
  const unsafe = draw(known.filter(({ safe }) => !safe))
  const contested = new Set(unsafe.map(({ question }) => question.kind))
  const side = (among: boolean) =>
    draw(known.filter(({ safe, question }) => safe && contested.has(question.kind) === among))
  const safe = alternately(side(true), side(false))
  const each = Math.min(safe.length, unsafe.length)
  const labels = random.shuffle([...safe.slice(0, each), ...unsafe.slice(0, each)])
  return {
    labels,
    judged: judged.length,
    unknown: judged.length - known.length,
    unbalanced: known.length - labels.length,
  }
}

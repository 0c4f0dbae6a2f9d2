import { ifTooLong } from '../../../common/errors.ts'
import { Random } from '../../../common/random.ts'
import type { Generator } from '../../../providers/generator.ts'
import { judgePair, judgeSafety } from '../../../rewards/judge.ts'
import { wholeQuestion } from '../../../rewards/question.ts'
import type { Question } from '../../../tasks/task.ts'
import { withOpening } from '../../../thinking/parser/opened.ts'
import type { SampledRollout } from '../../sample/rollouts.ts'

/** Two summaries, the better one first. */
export interface PreferencePair {
  readonly question: Question
  readonly chosen: string
  readonly rejected: string
  /** |Δ|; Δ is the mean of the judge's votes. */
  readonly margin: number
}

export interface PairData {
  readonly pairs: readonly PreferencePair[]
  /** Pairs that the judge compared. */
  readonly judged: number
  /** Pairs that the judge could not decide. */
  readonly unknown: number
  /** Pairs whose |Δ| is not above the minimum margin. */
  readonly close: number
  /** Pairs dropped so that the better answer is the longer one in half of the pairs. */
  readonly unbalanced: number
}

interface PairOptions {
  readonly judge: Generator
  readonly seed: number
  /** How often each pair is judged. */
  readonly times: number
  /** Pairs with |Δ| above this are kept. */
  readonly minMargin: number
  /** Maximum per question: pairs of two of its answers, and pairs of its answer with an answer to another question. */
  readonly perQuestion: number
}

/**
 * Pairs for a helpful reward model (DeepSeek-R1, Nature 645, Methods): a judge compares each pair several times with the
 * order of the answers swapped, pairs with Δ > 1 are kept, and chosen and rejected answers are balanced in length. The
 * judge reads summaries, not the thinking. An equal number of pairs compare with an answer to another question of the
 * same kind: without them the reward model could learn style only, and would reward one well-written answer to every
 * question.
 *
 * @throws UserError if the judge cannot be reached.
 */
export async function preferencePairs(
  rollouts_P_G: readonly (readonly SampledRollout[])[],
  { judge, seed, times, minMargin, perQuestion }: PairOptions,
): Promise<PairData> {
  const groups = rollouts_P_G.map((rollouts_G) => ({
    question: rollouts_G[0]!.question,
    summaries: [...new Set(rollouts_G.flatMap(({ summary }) => summary ?? []))],
  }))
  const ofKind = new Map<string | undefined, { prompt: string; answer: string }[]>()
  for (const { question, summaries } of groups) {
    const answers = ofKind.get(question.kind) ?? []
    for (const answer of summaries) answers.push({ prompt: question.prompt, answer })
    ofKind.set(question.kind, answers)
  }
  const candidates = groups.flatMap(({ question, summaries }, p) => {
    const random = new Random(seed, 'pairs', p)
    const pairs = summaries.flatMap((a, i) => summaries.slice(i + 1).map((b) => ({ a, b })))
    const drawn = random.shuffle(pairs).slice(0, perQuestion)
    const answers = ofKind.get(question.kind)!
    const foreign = new Set<string>()
    // A draw may be an answer to this prompt, so there are more draws than needed answers.
    for (let draw = 0; answers.length > 0 && foreign.size < perQuestion && draw < 8 * perQuestion; draw++) {
      const { prompt, answer } = random.pick(answers)
      if (prompt !== question.prompt && !summaries.includes(answer)) foreign.add(answer)
    }
    if (summaries.length > 0) for (const b of foreign) drawn.push({ a: random.pick(summaries), b })
    return drawn.map((pair) => ({ question, ...pair }))
  })
  const judged = await Promise.all(
    candidates.map(async ({ question, a, b }) => ({
      question,
      a,
      b,
      margin: (
        await judgePair(judge, { question: wholeQuestion(question), a, b }, { times, seed }).catch(
          ifTooLong({ margin: null }),
        )
      ).margin,
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

/** Drops pairs so that the chosen answer is the longer one as often as the rejected answer. */
function balanced(pairs: readonly PreferencePair[], seed: number): PreferencePair[] {
  const sign = ({ chosen, rejected }: PreferencePair) => Math.sign(chosen.length - rejected.length)
  const side = (of: number) =>
    new Random(seed, 'balance', of).shuffle(pairs.filter((pair) => sign(pair) === of))
  const [longer, shorter] = [side(1), side(-1)]
  const each = Math.min(longer.length, shorter.length)
  const kept = new Set([...longer.slice(0, each), ...shorter.slice(0, each)])
  return pairs.filter((pair) => sign(pair) === 0 || kept.has(pair))
}

/** A whole response with its label. */
export interface SafetyLabel {
  readonly question: Question
  readonly response: string
  readonly safe: boolean
}

export interface LabelData {
  readonly labels: readonly SafetyLabel[]
  /** Responses that the judge labelled. */
  readonly judged: number
  /** Responses that the judge could not label. */
  readonly unknown: number
  /** Labels dropped so that there are as many safe responses as unsafe ones. */
  readonly unbalanced: number
}

/** Alternates elements of both lists, then the rest of the longer one. */
function alternately<T>(a: readonly T[], b: readonly T[]): T[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => [
    a.slice(i, i + 1),
    b.slice(i, i + 1),
  ]).flat(2)
}

/**
 * Labels for a harmlessness reward model: whole responses that a judge labels safe or unsafe, equally many of both. As
 * far as possible, half of the safe responses have kinds of prompts that also have unsafe responses, which forces the
 * model to read the response and not only the prompt. Empty responses are left out.
 *
 * @throws UserError if the judge cannot be reached.
 */
export async function safetyLabels(
  rollouts: readonly SampledRollout[],
  { judge, seed, times }: Pick<PairOptions, 'judge' | 'seed' | 'times'>,
): Promise<LabelData> {
  const distinct = new Map(
    rollouts.map((rollout) => {
      const { question } = rollout
      const response = withOpening(rollout)
      return [JSON.stringify([question.prompt, response]), { question, response: response.trim() }]
    }),
  )
  const judged = await Promise.all(
    [...distinct.values()].map(async ({ question, response }) => ({
      question,
      response,
      safe: await judgeSafety(judge, { question: wholeQuestion(question), response }, { times, seed }).catch(
        ifTooLong(null),
      ),
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

import { plural } from '../common/words.ts'
import type { Score } from './ask.ts'

/** What will work for a table and a model. */
export type VerdictKind = 'reinforce' | 'fine-tune' | 'other-base' | 'nothing-to-learn' | 'unreadable-answers'

export interface Verdict {
  readonly kind: VerdictKind
  /** In one line, such as "fine-tune first, then reinforcement learning". */
  readonly title: string
  /** Why, in plain words. */
  readonly reasons: readonly string[]
}

/** What was found out about a table and a model. */
export interface Findings {
  /** Distinct usable questions to learn from. */
  readonly training: number
  /** Do the rows have gold answers, and solutions? */
  readonly answers: boolean
  readonly solutions: boolean
  /** Columns that are not read. */
  readonly unused: readonly string[]
  /** Share of the gold answers that are sentences, which no rule can compare. */
  readonly prose: number
  /** Share of the questions that the model cannot be asked, and the reason for the first one; null if none. */
  readonly unfit: { readonly share: number; readonly reason: string } | null
  /** The model's answers; null if it could not be asked. */
  readonly score: Score | null
  /** Of the text of the questions; NaN if unknown. */
  readonly bitsPerCharacter: number
  /** After a short trial of fine-tuning, on questions that were left out of it; null if there was none. */
  readonly trial: Trial | null
}

export interface Trial {
  readonly before: Score
  readonly after: Score
  readonly steps: number
  /** Rows learned from. */
  readonly rows: number
  readonly seconds: number
}

/**
 * With fewer right responses, they are mostly lucky guesses. From 3 % right, on 5 of 20 questions, RL took the miniature to
 * 94 % in 80 steps; from 1 %, on 45 questions with answers of two figures, it only learned to repeat the same guess.
 */
const HARDLY_EVER = 0.025
/**
 * The same after a trial of fine-tuning, which raises the share of lucky guesses: the model then guesses among answers that
 * it has seen. Answers without solutions reached 5 % like this, solutions 34 to 80 %.
 */
export const TAUGHT = 0.1
/** RL learns from groups with right and wrong responses; with fewer such questions it learns those few by heart. */
const LEAST_SOMETIMES = 0.15
/** Above it, almost no group has a wrong response to tell from the right ones. */
export const NEARLY_ALWAYS = 0.95
/** More golds than this that are sentences: a right answer in other words would count as wrong. */
const MOST_PROSE = 0.5
/** More questions than this that the model cannot be asked. */
const MOST_UNFIT = 0.5
/**
 * A model of 135M parameters needs 1.0 to 1.9 bits for a character of English word problems, 2.5 of German, which it has
 * hardly seen, and 6 of Japanese, which it has not; random characters take more than 7.
 */
const FOREIGN_BITS = 4
/** Fewer rows than this cannot show how a kind of question is solved: 45 worked solutions of one kind could. */
export const LEAST_ROWS = 20

const percent = (share: number): string => {
  const value = 100 * share
  return `${value > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} %`
}

/** Decides what will work. Pure: the same findings, the same verdict. */
export function verdictOf(found: Findings): Verdict {
  return (
    unreadableAnswers(found) ??
    cannotBeAsked(found) ??
    nothingToLearn(found) ??
    reinforce(found) ??
    teach(found)
  )
}

/** Verdicts are tried in this order; each is null where it does not apply. */
type Judge = (found: Findings) => Verdict | null

const unreadableAnswers: Judge = ({ answers, prose, score }) => {
  const why = !answers
    ? 'The rows have no gold answers, so nothing can tell a right response from a wrong one.'
    : prose > MOST_PROSE
      ? `${percent(prose)} of the gold answers are sentences. The check compares numbers, formulas, choices, names and other short answers; the same thing in other words would count as wrong.`
      : score !== null && score.unchecked > MOST_PROSE
        ? `${percent(score.unchecked)} of the responses could not be compared with their gold answers.`
        : null
  if (why === null) return null
  return {
    kind: 'unreadable-answers',
    title: 'the check cannot read the answers: no reinforcement learning',
    reasons: [
      why,
      answers
        ? 'For reinforcement learning, name a column with short answers (--columns answer=NAME), or rewrite the questions so that they have one. Fine-tuning needs no check: it learns to answer as the rows do.'
        : 'For reinforcement learning, add a column with the answers, or use a reward model or a judge (docs/judge.md). Fine-tuning needs no check.',
    ],
  }
}

const cannotBeAsked: Judge = ({ unfit }) => {
  if (unfit === null || unfit.share <= MOST_UNFIT) return null
  return {
    kind: 'other-base',
    title: 'another base: this one cannot be asked most of the questions',
    reasons: [`${percent(unfit.share)} of the questions cannot be asked. The first: ${unfit.reason}.`],
  }
}

const nothingToLearn: Judge = ({ score }) => {
  if (score === null || !(score.passAt1 >= NEARLY_ALWAYS)) return null
  return {
    kind: 'nothing-to-learn',
    title: 'nothing to learn: the model already answers nearly all of them',
    reasons: [
      `${percent(score.passAt1)} of its responses are right. Reinforcement learning needs wrong responses to tell from right ones. Harder questions would give it something to learn.`,
    ],
  }
}

/** Does reinforcement learning have something to tell apart? */
export const canReinforce = (
  { passAt1, sometimes, questions }: Score,
  least: number = HARDLY_EVER,
): boolean => passAt1 >= least && sometimes >= LEAST_SOMETIMES * questions

const reinforce: Judge = ({ score }) => {
  if (score === null || !canReinforce(score)) return null
  return {
    kind: 'reinforce',
    title: 'reinforcement learning now',
    reasons: [
      `${percent(score.passAt1)} of its responses are right, and ${score.sometimes} of the ${plural(score.questions, 'question')} ${score.sometimes === 1 ? 'is' : 'are'} answered sometimes right and sometimes wrong. So reinforcement learning has right responses to reinforce.`,
    ],
  }
}

/** It is hardly ever right: can it be shown how, or does it take another base? */
function teach(found: Findings): Verdict {
  const { training, score, trial, solutions, unused, bitsPerCharacter } = found
  const rarely =
    score === null
      ? 'It could not be asked.'
      : score.right === 0
        ? `None of its ${score.responses} responses is right, so reinforcement learning has nothing to reinforce.`
        : `${score.right === 1 ? 'Only 1' : `Only ${score.right}`} of its ${score.responses} responses ${score.right === 1 ? 'is' : 'are'} right, which may be ${score.right === 1 ? 'a lucky guess' : 'lucky guesses'}: too few to reinforce.`
  const shown = solutions ? 'worked solutions' : 'answers'
  const otherBase = (why: string, ...advice: string[]): Verdict => ({
    kind: 'other-base',
    title: `another base${training < LEAST_ROWS ? ', or more rows' : solutions ? '' : ', or worked solutions'}`,
    reasons: [rarely, why, ...advice],
  })
  const addSolutions = solutions
    ? []
    : [
        `Worked solutions in a column of the table (--columns thinking=NAME) would teach it more than answers alone.${unused.length === 0 ? '' : ` Not read so far: ${unused.map((name) => `"${name}"`).join(', ')}.`}`,
      ]
  if (training < LEAST_ROWS)
    return otherBase(
      `${plural(training, 'row')} to learn from ${training === 1 ? 'is' : 'are'} too few to show it how; at least ${LEAST_ROWS} are needed, better some hundred.`,
      ...addSolutions,
    )
  if (trial !== null) {
    const went = `A trial of fine-tuning (${trial.steps} steps on ${trial.rows} rows) took it from ${percent(trial.before.passAt1)} to ${percent(trial.after.passAt1)} on ${trial.after.questions} questions that were left out of it`
    return canReinforce(trial.after, TAUGHT) || trial.after.passAt1 >= NEARLY_ALWAYS
      ? {
          kind: 'fine-tune',
          title: 'fine-tune first, then reinforcement learning',
          reasons: [rarely, `${went}: the ${shown} show it how.`],
        }
      : otherBase(
          `${went}: the ${shown} do not teach it enough.`,
          ...unfamiliar(bitsPerCharacter),
          ...addSolutions,
        )
  }
  if (bitsPerCharacter > FOREIGN_BITS)
    return otherBase(...(unfamiliar(bitsPerCharacter) as [string]), ...addSolutions)
  return {
    kind: 'fine-tune',
    title: 'fine-tune first, then reinforcement learning',
    reasons: [
      rarely,
      `${training} rows with ${shown} can show it how. This was not tried here, since it would take too long; \`sft\` measures it on the held-out rows.`,
      ...addSolutions,
    ],
  }
}

const unfamiliar = (bits: number): string[] =>
  bits > FOREIGN_BITS
    ? [
        `It hardly knows this kind of text: ${bits.toFixed(1)} bits per character of the questions, where a model that knows the language has 1 to 3.`,
      ]
    : []

import { isBlank } from '../thinking/r1/blank.ts'
import { parseResponse } from '../thinking/r1/parse.ts'
import { parseSummary } from '../thinking/r1/summary.ts'
import type { Reward, Rollout } from './reward.ts'

/**
 * R1-Zero's format: one think part, then one answer part, neither empty, and nothing else (DeepSeek-R1, Nature 645,
 * Methods).
 *
 * 0 or 1. Fooled by: parts that are meaningless.
 */
export function format(): Reward {
  return {
    name: 'format',
    score: (rollout) => Number(parseResponse(rollout.response, rollout).wellFormed),
    reason: (rollout) => formReason(parseResponse(rollout.response, rollout).problem),
  }
}

/**
 * R1's format: one think part, with nothing before it and a summary after it. Neither may be empty, and the response must
 * not be cut off (DeepSeek-R1, Nature 645, cold start).
 *
 * 0 or 1. Fooled by: a meaningless summary; thinking that continues in the summary.
 */
export function summary(): Reward {
  return {
    name: 'summary',
    score: (rollout) => Number(summaryOf(rollout) !== null),
    reason: (rollout) => formReason(summaryProblem(rollout)),
  }
}

/**
 * R1's format with exactly one `\boxed{…}` in the summary, closed and not empty.
 *
 * 0 or 1. Fooled by: a box with any content; accuracy checks whether it is right.
 */
export function boxed(): Reward {
  return {
    name: 'boxed',
    score: (rollout) => Number(hasOneBox(summaryOf(rollout) ?? '')),
    reason: (rollout, score) =>
      score === 1
        ? 'one box in the summary'
        : formReason(summaryProblem(rollout) ?? 'there is not exactly one box, closed and not empty'),
  }
}

/** What a format score says, given what is wrong with the response (`null`: nothing). */
export const formReason = (problem: string | null): string =>
  problem === null ? 'well formed' : `not well formed: ${problem}`

/** The text after the thinking, or `null` if the response is not in R1's format. */
const summaryOf = (rollout: Rollout): string | null =>
  summaryProblem(rollout) === null ? parseSummary(rollout.response, rollout).summary : null

/** Why a response is not in R1's format, or `null` if it is. */
function summaryProblem({ response, opened, stopReason }: Rollout): string | null {
  const { thinking, problem } = parseSummary(response, { opened })
  if (stopReason !== 'stop') return 'it was cut off'
  return problem ?? (isBlank(thinking ?? '') ? 'there is no thinking' : null)
}

/**
 * LaTeX that prints nothing by itself: comments, phantoms, spaces, delimiters, braces, dollar signs, dots, and the commands that
 * set text in a font.
 */
const LAYOUT =
  /(?<!\\)%.*|\\(?:[hv]?phantom|[hv]space\*?|vskip|hskip|color|label)\s*\{[^{}]*\}|\\(?:left|right)\s?\.|\\(?:[ ,;:!\\]|(?:q?quad|text\w*|mbox|math(?:rm|bf|it|sf)|(?:display|text|script)style|[lc]?dots|strut|null|relax|newline|hfill)(?![a-zA-Z]))|[{}$~]/g

function hasOneBox(text: string): boolean {
  const [, inside, more] = text.split(/\\boxed(?![a-zA-Z])/)
  if (inside === undefined || more !== undefined) return false
  const content = inside.trimStart()
  if (!content.startsWith('{')) return false
  let depth = 0
  for (let i = 0; i < content.length; i++) {
    if (content[i] === '\\') i++
    else if (content[i] === '{') depth++
    else if (content[i] === '}' && --depth === 0) return !isBlank(content.slice(1, i).replace(LAYOUT, ''))
  }
  return false
}

import { UserError } from '../../common/errors.ts'
import { plural } from '../../common/words.ts'
import type { SampledSequence } from '../../engines/contract.ts'
import { traitsOf } from '../../providers/local/probe.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import { withOpening } from '../../thinking/parser/opened.ts'

/**
 * Ends thinking that is too long, so that a response answers within its longest length (ScaleRL's forced interruptions, Khatri
 * et al., arXiv 2510.13786, §2). What is put in is not learned.
 */
export interface Interruption {
  /** Tokens of a response after which thinking that has not ended is ended. */
  readonly after: number
  /** What is put at the end of the thinking, before the tag that closes it. */
  readonly phrase: string
}

/** ScaleRL's phrase. */
export const INTERRUPTION_PHRASE = 'Okay, time is up. Let me stop thinking and formulate a final answer now.'

const [OPENING, CLOSING] = ['<think>', '</think>']

/** A range of a response's tokens. */
export interface TokenRange {
  readonly from: number
  readonly to: number
}

/** The tokens that end the thinking: the phrase, the closing tag and, in R1-Zero's format, the tag that begins the answer. */
export const interruptingTokens = (renderer: Renderer, { phrase }: Interruption): Int32Array =>
  renderer.encodeNext(`\n${phrase}\n${CLOSING}\n${renderer.template === 'r1-zero' ? '<answer>' : '\n'}`)

/** Did a response begin to think and not stop yet? */
export function isThinking(response: string, opened: boolean): boolean {
  const text = withOpening({ response, opened }).trimStart()
  return text.startsWith(OPENING) && !text.includes(CLOSING)
}

/** A response of two parts, with the tokens that were put in between. Put-in tokens have log-prob 0. */
export function joined(
  first: SampledSequence,
  inserted: Int32Array,
  second: SampledSequence,
): { sequence: SampledSequence; inserted?: TokenRange } {
  const concat = (name: 'logprobs' | 'samplingLogprobs'): Float32Array =>
    Float32Array.of(...first[name], ...new Float32Array(inserted.length), ...second[name])
  const from = first.tokens.length
  const logprobs = concat('logprobs')
  const isSame = first.samplingLogprobs === first.logprobs && second.samplingLogprobs === second.logprobs
  return {
    sequence: {
      ...second,
      tokens: Int32Array.of(...first.tokens, ...inserted, ...second.tokens),
      logprobs,
      samplingLogprobs: isSame ? logprobs : concat('samplingLogprobs'),
    },
    ...(inserted.length > 0 && { inserted: { from, to: from + inserted.length } }),
  }
}

/**
 * Checks an interruption before a run.
 *
 * @throws UserError if the model's responses do not think in <think> tags, or if no room for an answer is left.
 */
export function checkInterruption(
  interruption: Interruption | null,
  renderer: Renderer,
  maxTokens: number,
): void {
  if (interruption === null) return
  const { format, thinks } = traitsOf(renderer)
  if (!thinks || format.thinking.end !== CLOSING)
    throw new UserError(
      `rl.interruption ends thinking with ${CLOSING}, but the model's chat template has no such tag: set rl.interruption=null, or use --template r1-zero`,
      2,
    )
  const length = interruptingTokens(renderer, interruption).length
  if (interruption.after + length >= maxTokens)
    throw new UserError(
      `rl.interruption leaves no room to answer: after ${plural(interruption.after, 'token')} it puts in ${length}, and rl.maxTokens is ${maxTokens}: set rl.interruption.after=${Math.max(1, maxTokens - 2 * length)} or less, or raise rl.maxTokens`,
      2,
    )
}

import { UserError } from '../../common/errors.ts'
import { plural } from '../../common/words.ts'
import type { Capabilities } from '../../engines/contract.ts'
import { loadConfig } from '../../models/checkpoint/directory.ts'
import type { TemplateSettings } from '../../renderer/chat-template.ts'
import { type Askable, Renderer } from '../../renderer/renderer.ts'
import type { Fit, Question } from '../../tasks/task.ts'

/** How a model is asked questions, and what it can take. */
export interface Asked {
  /** The prompt of a question, as it is sampled from. @throws UserError for a question that cannot be rendered. */
  readonly promptTokens: (question: Askable) => Int32Array
  /** Longest response in tokens. */
  readonly maxTokens: number
  /** Longest sequence in tokens, including the prompt; null if unknown. */
  readonly positions: number | null
  /** Number of token ids that the model knows, if a prompt may have others; null if it has none. */
  readonly vocabulary: number | null
}

/** How a model is asked through its renderer. `can` says what the model can take. */
export function asked(
  renderer: Renderer,
  can: Pick<Capabilities, 'maxTokens' | 'vocabulary'>,
  maxTokens: number,
): Asked {
  const { maxTokens: positions, vocabulary } = can
  return {
    promptTokens: (question) => renderer.prompt(question).tokens,
    maxTokens,
    positions,
    vocabulary: vocabulary !== null && renderer.vocabSize > vocabulary ? vocabulary : null,
  }
}

/** How the model in a folder is asked through this renderer. @throws UserError if it cannot be read. */
export function askedIn(folder: string, renderer: Renderer, maxTokens: number): Asked {
  const { maxPositions, vocabSize } = loadConfig(folder)
  return asked(renderer, { maxTokens: maxPositions, vocabulary: vocabSize }, maxTokens)
}

/**
 * How the model in a folder is asked in R1-Zero's template and in its own. A model without a template of its own is also
 * asked in one that adds less to the question than R1-Zero's: see `chatBase`.
 */
export function askedInStages(folder: string, chat: TemplateSettings, maxTokens: number): Asked[] {
  const own = Renderer.load(folder, { chat })
  const zero = own.template === 'r1-zero' ? [] : [Renderer.load(folder, { chat, template: 'r1-zero' })]
  return [...zero, own].map((renderer) => askedIn(folder, renderer, maxTokens))
}

/**
 * Questions fit if each model can be asked them: the prompt and the longest response are within the model's positions, and
 * the tokens of the prompt within its vocabulary.
 */
export function promptFit(models: readonly Asked[]): Fit {
  const rooms = models.map(room)
  return {
    unfit(question) {
      for (const model of models) {
        const reason = unfit(question, model)
        if (reason !== null) return reason
      }
      return null
    },
    isShort({ prompt, messages }) {
      if (messages !== undefined) return false
      const bytes = Buffer.byteLength(prompt)
      return rooms.every((room) => bytes <= room)
    },
  }
}

/**
 * Bytes that a question may have so that it surely fits: a text has at most as many tokens as bytes. Below 0 if every
 * question is to be checked.
 */
function room({ promptTokens, maxTokens, positions, vocabulary }: Asked): number {
  if (vocabulary !== null) return -1
  if (positions === null) return Infinity
  return positions - maxTokens - promptTokens({ prompt: '?' }).length
}

function unfit(question: Question, { promptTokens, maxTokens, positions, vocabulary }: Asked): string | null {
  let tokens: Int32Array
  try {
    tokens = promptTokens(question)
  } catch (error) {
    if (error instanceof UserError) return error.message
    throw error
  }
  if (tokens.length === 0) return 'its prompt has no tokens'
  if (positions !== null && tokens.length + maxTokens > positions)
    return `its prompt has ${plural(tokens.length, 'token')}, which leaves no room for ${plural(maxTokens, 'token')} of response in the model's ${plural(positions, 'position')}`
  const unknown = vocabulary === null ? undefined : tokens.find((id) => id >= vocabulary)
  return unknown === undefined
    ? null
    : `its prompt has the token ${unknown}, and the model knows only the tokens 0 to ${vocabulary! - 1}`
}

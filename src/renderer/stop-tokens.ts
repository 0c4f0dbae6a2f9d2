import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../common/errors.ts'
import type { Trainer } from '../engines/contract.ts'
import { loadConfig } from '../models/directory.ts'
import { addEosTokenIds, readGenerationConfig } from '../models/generation-config.ts'
import type { Tokenizer } from '../models/tokenizer.ts'
import type { ChatTemplate } from './chat-template.ts'

/**
 * The tokens that end a response: `eos_token` of tokenizer_config.json, `eos_token_id` of config.json and of
 * generation_config.json, and the token with which the chat template ends the assistant's turn. Any one of the files may
 * name only some of them: a base model's eos is often not the token that ends a turn in a chat.
 */
export function stopTokens(
  folder: string,
  tokenizer: Pick<Tokenizer, 'eosId' | 'encode' | 'decode' | 'isAdded'>,
  chat: ChatTemplate | null,
): { readonly all: readonly number[]; readonly endOfTurn: number | null } {
  const config = existsSync(join(folder, 'config.json')) ? loadConfig(folder) : null
  const end = chat && endOfTurnOf(tokenizer, chat)
  // A model whose embeddings were not resized for its tokenizer can never sample the token.
  const endOfTurn = end !== null && end < (config?.vocabSize ?? Number.POSITIVE_INFINITY) ? end : null
  const named = [...(config?.eosTokenIds ?? []), ...readGenerationConfig(folder).eosTokenIds]
  const all = [tokenizer.eosId, ...named, ...(endOfTurn === null ? [] : [endOfTurn])]
  return { all: [...new Set(all)], endOfTurn }
}

/**
 * The trainer, whose saved models also name the tokens that end a response: training may have taught one that the
 * model's files do not name.
 */
export const savingStopTokens = (
  trainer: Trainer,
  { stopTokens }: { stopTokens: readonly number[] },
): Trainer => ({
  ...trainer,
  save: async (directory, options) => {
    await trainer.save(directory, options)
    addEosTokenIds(directory, stopTokens)
  },
})

const ANSWER = 'Paris.'

/** The token that the template puts after the assistant's message; null if it puts none there. */
function endOfTurnOf(
  tokenizer: Pick<Tokenizer, 'encode' | 'decode' | 'isAdded'>,
  chat: ChatTemplate,
): number | null {
  const rest = afterAnswer(chat).trimStart()
  const first = rest === '' ? undefined : tokenizer.encode(rest)[0]
  return first !== undefined && tokenizer.isAdded(first) && rest.startsWith(tokenizer.decode([first]))
    ? first
    : null
}

/** What the template prints after an answer; nothing if it refuses the conversation. */
function afterAnswer(chat: ChatTemplate): string {
  try {
    const rendered = chat.render([
      { role: 'user', content: 'What is the capital of France?' },
      { role: 'assistant', content: ANSWER },
    ])
    const at = rendered.lastIndexOf(ANSWER)
    return at < 0 ? '' : rendered.slice(at + ANSWER.length)
  } catch (error) {
    // Some templates, of translators for example, render other conversations alone.
    if (error instanceof UserError) return ''
    throw error
  }
}

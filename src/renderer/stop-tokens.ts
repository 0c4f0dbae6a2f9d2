import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../common/errors.ts'
import type { Trainer } from '../engines/contract.ts'
import { loadConfig } from '../models/checkpoint/directory.ts'
import { addEosTokenIds, readGenerationConfig } from '../models/checkpoint/generation-config.ts'
import { plainFolder } from '../models/checkpoint/peft/find-base.ts'
import type { Tokenizer } from '../models/tokenizer/tokenizer.ts'
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
  const config = existsSync(join(plainFolder(folder), 'config.json')) ? loadConfig(folder) : null
  const named = [...(config?.eosTokenIds ?? []), ...readGenerationConfig(folder).eosTokenIds]
  const after = chat === null ? [] : tokensAfterAnswer(tokenizer, chat)
  // Some templates close the content by a token of its own before the one that ends the turn.
  const end = after.find((id) => id === tokenizer.eosId || named.includes(id)) ?? after[0] ?? null
  // A model whose embeddings were not resized for its tokenizer can never sample the token.
  const endOfTurn = end !== null && end < (config?.vocabSize ?? Number.POSITIVE_INFINITY) ? end : null
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

/** The added tokens that the template puts directly after the assistant's message. */
function tokensAfterAnswer(
  tokenizer: Pick<Tokenizer, 'encode' | 'decode' | 'isAdded'>,
  chat: ChatTemplate,
): number[] {
  const rest = afterAnswer(chat).trimStart()
  const tokens = [...tokenizer.encode(rest)]
  const other = tokens.findIndex((id) => !tokenizer.isAdded(id))
  const added = other < 0 ? tokens : tokens.slice(0, other)
  // A tokenizer may put a space before every text, which is then no added token.
  return rest.startsWith(tokenizer.decode(added)) ? added : []
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
    // Some templates, of translators for example, render only other kinds of conversations.
    if (error instanceof UserError) return ''
    throw error
  }
}

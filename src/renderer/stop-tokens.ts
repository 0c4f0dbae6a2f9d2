import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../common/errors.ts'
import type { Trainer } from '../engines/contract.ts'
import { loadConfig } from '../models/directory.ts'
import { readJsonObject, writeJson } from '../models/json-file.ts'
import type { Tokenizer } from '../models/tokenizer.ts'
import type { ChatTemplate } from './chat-template.ts'

const FILE = 'generation_config.json'

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
  const endOfTurn = chat && endOfTurnOf(tokenizer, chat)
  const named = existsSync(join(folder, 'config.json')) ? loadConfig(folder).eosTokenIds : []
  const all = [tokenizer.eosId, ...named, ...eosTokenIds(generationConfig(folder), folder)]
  return { all: [...new Set(endOfTurn === null ? all : [...all, endOfTurn])], endOfTurn }
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
    writeStopTokens(directory, stopTokens)
  },
})

/** Adds the tokens that end a response to a model's generation_config.json, so that other programs stop there as well. */
function writeStopTokens(folder: string, tokens: readonly number[]): void {
  const config = generationConfig(folder)
  const named = eosTokenIds(config, folder)
  const all = [...new Set([...named, ...tokens])]
  if (all.length > named.length)
    writeJson(join(folder, FILE), { ...config, eos_token_id: all.length === 1 ? all[0] : all })
}

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

function generationConfig(folder: string): Record<string, unknown> {
  const file = join(folder, FILE)
  return existsSync(file) ? readJsonObject(file) : {}
}

/** `eos_token_id`: a number, a list of numbers, or missing. */
function eosTokenIds({ eos_token_id }: Record<string, unknown>, folder: string): number[] {
  const ids = eos_token_id == null ? [] : [eos_token_id].flat()
  if (ids.every((id): id is number => Number.isInteger(id))) return ids
  throw new UserError(
    `${join(folder, FILE)} is damaged: "eos_token_id" is ${JSON.stringify(eos_token_id)}, not a token id or a list of them`,
  )
}

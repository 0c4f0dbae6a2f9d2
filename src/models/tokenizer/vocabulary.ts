import { UserError } from '../../common/errors.ts'
import type { ModelConfig } from '../config.ts'
import type { Tokenizer } from './tokenizer.ts'

/*
 * A tokenizer may have more tokens than its model: tokens were added and the embeddings were not resized. That is
 * harmless until one of them is used, since the model has no row for it.
 */

/**
 * @param what Where the ids come from, for messages, such as "row train.jsonl:12".
 * @param tokenizer Names the token in the message.
 * @throws UserError for an id that is not in a vocabulary of `vocabSize`.
 */
export function checkTokens(
  ids: Int32Array,
  vocabSize: number,
  what: string,
  tokenizer?: Pick<Tokenizer, 'decode'>,
): void {
  const id = ids.find((id) => id < 0 || id >= vocabSize)
  if (id === undefined) return
  const text = tokenizer?.decode([id])
  const token = text ? `the token ${JSON.stringify(text)} (id ${id})` : `the token id ${id}`
  throw new UserError(
    `${what} has ${token}, which the model (vocab_size ${vocabSize}) does not have; resize its embeddings, or use its own tokenizer`,
  )
}

/**
 * Checks the tokens that are needed whatever the text: the end, the padding, and those put before every text.
 *
 * @throws UserError if the model has no row for one of them; `where` is the tokenizer's folder.
 */
export function checkTokenizerFits(
  tokenizer: Pick<Tokenizer, 'eosId' | 'padId' | 'prefix' | 'decode'>,
  { vocabSize }: Pick<ModelConfig, 'vocabSize'>,
  where: string,
): void {
  const check = (ids: Int32Array, what: string) =>
    checkTokens(ids, vocabSize, `the tokenizer in ${where}, ${what},`, tokenizer)
  check(Int32Array.of(tokenizer.eosId), 'as its end of text')
  check(Int32Array.of(tokenizer.padId), 'as its padding')
  check(tokenizer.prefix, 'before every text')
}

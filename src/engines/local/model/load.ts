import { UserError } from '../../../common/errors.ts'
import { loadModel } from '../../../models/checkpoint/directory.ts'
import { readGenerationConfig } from '../../../models/checkpoint/generation-config.ts'
import type { ModelConfig } from '../../../models/config.ts'
import { type Model, parameterShapes, withRewardHead } from '../../../models/parameters.ts'
import { Tokenizer } from '../../../models/tokenizer/tokenizer.ts'
import { checkTokenizerFits, checkTokens } from '../../../models/tokenizer/vocabulary.ts'
import type { EngineSpec } from '../../contract.ts'
import type { Parameters } from './feeds.ts'
import { checkSize } from './optimizer/optimizer-file.ts'

/** A version of a model's weights, and its architecture. */
export interface LoadedWeights {
  readonly config: ModelConfig
  readonly parameters: Parameters
}

/** A model in memory. */
interface LoadedModel extends LoadedWeights {
  readonly tokenizer: Tokenizer | null
  /** Folder whose tokenizer files are copied with every save; null if there are none. */
  readonly tokenizerFrom: string | null
}

/**
 * Reads the model of a spec. With `rewardHead`, a model without a scalar head gets a new one.
 *
 * @throws UserError if the model cannot be read.
 */
export function load({ model, rewardHead }: Pick<EngineSpec, 'model' | 'rewardHead'>): LoadedModel {
  const inFolder = typeof model === 'string'
  const { config, parameters } = inFolder ? loadModel(model) : (model as Model)
  const tokenizerFrom = (inFolder ? model : model.tokenizerFrom) ?? null
  const tokenizer = tokenizerFrom === null ? null : Tokenizer.load(tokenizerFrom)
  if (tokenizer) checkVocabulary(tokenizer, config, tokenizerFrom!)
  for (const [name, shape] of parameterShapes(config))
    checkSize(inFolder ? model : 'the model in memory', name, parameters.get(name), shape)
  const loaded = { config, parameters, tokenizer, tokenizerFrom }
  if (config.head === 'score') {
    const padTokenId = required(config.padTokenId ?? tokenizer?.padId)
    return { ...loaded, config: { ...config, padTokenId } }
  }
  if (!rewardHead) return loaded
  const padTokenId = required(tokenizer?.padId ?? config.padTokenId)
  return { ...loaded, ...withRewardHead({ config, parameters }, padTokenId, rewardHead.seed) }
}

/** @throws UserError if a token that is needed whatever the text is not in the model's vocabulary. */
function checkVocabulary(tokenizer: Tokenizer, config: ModelConfig, folder: string): void {
  checkTokenizerFits(tokenizer, config, folder)
  if (config.head === 'score') return
  const ends = Int32Array.from(readGenerationConfig(folder).eosTokenIds)
  checkTokens(ends, config.vocabSize, `the generation_config.json in ${folder}`, tokenizer)
}

function required(padTokenId: number | null | undefined): number {
  if (padTokenId === null || padTokenId === undefined)
    throw new UserError('a reward model needs a padding token: set "pad_token_id" in its config.json')
  return padTokenId
}

/**
 * Reads the weights in a folder, which must have the architecture of `config`.
 *
 * @throws UserError if they cannot be read, or belong to another model.
 */
export function loadWeights(directory: string, config: ModelConfig): Parameters {
  const { parameters } = loadModel(directory)
  for (const [name, shape] of parameterShapes(config)) checkSize(directory, name, parameters.get(name), shape)
  return parameters
}

import { UserError } from '../common/errors.ts'
import type { Progress } from '../common/progress.ts'
import { loadConfig, loadModel } from '../models/checkpoint/directory.ts'
import { checkStorable, type Storage } from '../models/checkpoint/storable.ts'
import type { ModelConfig } from '../models/config.ts'
import type { Model } from '../models/parameters.ts'
import { templateSources } from '../renderer/chat-template.ts'
import { Renderer } from '../renderer/renderer.ts'
import type { CardFacts } from './model-card.ts'

/** A model to be exported. */
export interface Source {
  readonly folder: string
  readonly config: ModelConfig
  readonly renderer: Renderer
  /** The source of its chat template; null if it has none. */
  readonly template: string | null
  /** May it write thinking in <think> tags? Its template or its tokens have them. */
  readonly thinks: boolean
  readonly facts: CardFacts
}

/** How an export is watched and interrupted. */
export interface Watch {
  readonly progress: Progress
  /** When aborted, the export ends and leaves nothing behind. */
  readonly signal: AbortSignal
}

/**
 * Reads everything of a model but its weights.
 *
 * @throws UserError for a folder that is no model, a damaged file, or a reward model, which only `hf` can hold.
 */
export function readSource(folder: string, to: string, facts: CardFacts): Source {
  const config = loadConfig(folder)
  if (config.head === 'score' && to !== 'hf')
    throw new UserError(
      `${folder} is a reward model, which scores text and writes none: export it with --to hf`,
    )
  const renderer = Renderer.load(folder)
  if (renderer.vocabSize > config.vocabSize)
    throw new UserError(
      `${folder}: the tokenizer has ${renderer.vocabSize} tokens, the model ${config.vocabSize}: they do not belong together`,
    )
  const template = templateSources(folder).get('default') ?? null
  const thinks = (template?.includes('</think>') ?? false) || renderer.encode('</think>').length === 1
  return { folder, config, renderer, template, thinks, facts }
}

/**
 * The weights of a model.
 *
 * @throws UserError for damaged ones, and for values that are not finite or would become infinite as they are to be stored.
 */
export function readWeights<Quant extends string>(
  { folder }: Source,
  storage: Omit<Storage<Quant>, 'option'>,
): Model {
  const model = loadModel(folder)
  checkStorable(folder, model, { ...storage, option: '--quant' })
  return model
}

/** What an export will write. */
export interface Plan {
  /** About how many bytes. */
  readonly bytes: number
  /** Writes all of it to a path that does not exist yet, or nothing. */
  write(path: string, watch: Watch): Promise<void>
}

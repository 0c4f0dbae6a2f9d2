import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { UserError } from '../../common/errors.ts'
import { nearest } from '../../common/nearest.ts'
import { loadConfig } from '../../models/checkpoint/directory.ts'
import type { ModelConfig } from '../../models/config.ts'
import { linearLayers } from '../../models/lora.ts'
import { Renderer } from '../../renderer/renderer.ts'
import { RequestError } from '../problem.ts'
import type { LoraRecord } from './store.ts'

/** A model that clients may sample from and train. */
export interface BaseModel {
  /** By which clients ask for it. */
  readonly name: string
  readonly folder: string
  readonly config: ModelConfig
  /** What a sequence ends at where a request does not say. */
  readonly stopTokens: readonly number[]
  /** What `AutoTokenizer.from_pretrained` finds its tokenizer by. */
  readonly tokenizerId: string
}

/** The models of a server, by their names. */
export class BaseModels {
  readonly all: readonly BaseModel[]

  /**
   * @param models Their names and their folders.
   * @param shares Is the folder's path told to clients, which can then read the tokenizer from it?
   * @throws UserError for a reward model, a damaged one, and two of the same name.
   */
  constructor(
    models: readonly { readonly name: string; readonly folder: string }[],
    { shares }: { readonly shares: boolean },
  ) {
    this.all = models.map(({ name: given, folder }) => {
      const config = loadConfig(folder)
      if (config.head === 'score')
        throw new UserError(
          `${given} is a reward model: the Tinker protocol samples from and trains language models`,
        )
      const isPath = existsSync(resolve(given))
      const name = isPath ? basename(resolve(given)) : given
      const isHere = isPath || !given.includes('/')
      return {
        name,
        folder,
        config,
        stopTokens: Renderer.load(folder).stopTokens,
        tokenizerId: isHere && shares ? resolve(folder) : name,
      }
    })
    const twice = this.all.find(({ name }, i) => this.all.findIndex((other) => other.name === name) < i)
    if (twice) throw new UserError(`--model: two models have the name ${twice.name}`, 2)
  }

  /** By its name or, on the same machine, by the path of its folder. @throws RequestError if there is no such model. */
  find(name: string): BaseModel {
    const found = this.all.find((model) => model.name === name || model.tokenizerId === name)
    if (found) return found
    const names = this.all.map((model) => model.name)
    const similar = nearest(name, names)
    throw new RequestError(
      'unknownModel',
      `base_model: there is no model ${JSON.stringify(name)} here${similar === null ? '' : `; did you mean ${similar}?`}; there are ${names.join(', ')}`,
      { field: 'base_model' },
    )
  }
}

/**
 * The layers of a model that get adapters.
 *
 * @throws RequestError if there are none.
 */
export function targetsOf(
  { config }: BaseModel,
  { train_attn, train_mlp }: LoraRecord,
): 'all-linear' | string[] {
  if (train_attn && train_mlp) return 'all-linear'
  const wanted = linearLayers(config).filter((layer) => (layer.includes('.mlp.') ? train_mlp : train_attn))
  if (wanted.length === 0)
    throw new RequestError(
      'invalid',
      'lora_config: with train_attn and train_mlp off, nothing would be trained',
      {
        field: 'lora_config',
      },
    )
  return wanted
}

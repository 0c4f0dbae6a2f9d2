import { join } from 'node:path'
import { readJsonObject } from '../json-file.ts'
import { isPeftFolder } from './peft/adapter-config.ts'
import { plainFolder } from './peft/find-base.ts'

/* A model with vision (gemma3), of which only the language model is read. */

/** Prefixes of the tensors of a model with vision that its language model does not have. */
const VISION = /^(model\.)?(vision_tower|multi_modal_projector)\./

/** The name that a tensor of a model with vision has in its language model, or null if it has none there. */
export function nameInText(name: string): string | null {
  if (VISION.test(name)) return null
  return name.replace(/^model\.language_model\./, 'model.').replace(/^language_model\./, '')
}

/** The names that a layer of a language model may have in a model with vision, and its own. */
export const namesWithVision = (layer: string): string[] => [
  layer,
  layer.replace(/^model\./, 'model.language_model.'),
  `language_model.${layer}`,
]

/** Is it the folder of a model with vision? Its tensors have other names than those of the language model. */
export const hasVision = (directory: string): boolean =>
  !isPeftFolder(directory) && readJsonObject(join(directory, 'config.json')).model_type === 'gemma3'

/** Is only the language part of the folder's model read? Of a PEFT folder, it is that of its base model. */
export const readsLanguagePart = (directory: string): boolean => hasVision(plainFolder(directory))

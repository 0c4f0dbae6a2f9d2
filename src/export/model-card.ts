import { type ModelConfig, toConfigJson } from '../models/config.ts'
import { countParameters } from '../models/parameters.ts'

/** What is known about a model that is exported. */
export interface CardFacts {
  /** Its name: that of its run or folder. */
  readonly name: string
  /** As on the Hugging Face hub, or null if it is unknown. */
  readonly license: string | null
  /** The model that it was trained from, or null. */
  readonly base: string | null
  /** How it was made, as the end of a sentence, or null. */
  readonly made: string | null
  /** Where its training questions or demonstrations came from, or null. */
  readonly data: string | null
  /** Measurements with their names, such as held-out pass@1 before and after. */
  readonly measures: readonly (readonly [name: string, value: string])[]
}

/** `owner/name`, which is how the hub knows a base model, or `owner/name/FILE.gguf`. */
export const ON_HUB = /^([\w.-]+\/[\w.-]+)(?:\/[^@]+\.gguf(?:@\w+)?)?$/i

/** A model card for the Hugging Face hub, in Markdown. What is unknown is left out. */
export function modelCard(facts: CardFacts, config: ModelConfig): string {
  const [architecture] = toConfigJson(config).architectures as [string]
  const [, id] = ON_HUB.exec(facts.base ?? '') ?? []
  const header = [
    ...(facts.license === null ? [] : [`license: ${facts.license}`]),
    ...(id === undefined ? [] : [`base_model: ${id}`]),
    'library_name: transformers',
    `pipeline_tag: ${config.head === 'score' ? 'text-classification' : 'text-generation'}`,
    'tags: [ruminate]',
  ]
  const size = `${(countParameters(config) / 1e6).toFixed(1)}M parameters`
  const paragraphs = [
    `${size}: a \`${architecture}\`${facts.made === null ? '' : `, ${facts.made}`}.`,
    facts.base === null ? null : `Trained from ${facts.base}.`,
    facts.data === null ? null : `Data: ${facts.data}.`,
    facts.measures.length === 0
      ? null
      : ['| | |', '|---|---|', ...facts.measures.map(([name, value]) => `| ${name} | ${value} |`)].join('\n'),
  ]
  const body = paragraphs.filter((one) => one !== null).join('\n\n')
  return `---\n${header.join('\n')}\n---\n# ${facts.name}\n\n${body}\n\nMade with Ruminate.\n`
}

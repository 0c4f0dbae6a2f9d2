import type { Language } from '../words.ts'
import { facts } from './facts.ts'
import { harmful, harmless, type Request } from './requests.ts'
import { talk } from './talk.ts'
import type { Family, Topic } from './topic.ts'
import { type Writing, writing } from './writing.ts'

type AnyTopic = Topic | Writing | Request

export type GeneralKind = `${Family}/${Language}`

/** Everything that can be asked, by kind. */
export const TOPICS: Record<GeneralKind, readonly AnyTopic[]> = {
  'talk/en': talk('en'),
  'talk/zh': talk('zh'),
  'fact/en': facts('en'),
  'fact/zh': facts('zh'),
  'write/en': writing('en'),
  'write/zh': writing('zh'),
  'harmful/en': harmful('en'),
  'harmful/zh': harmful('zh'),
  'harmless/en': harmless('en'),
  'harmless/zh': harmless('zh'),
}

export const GENERAL_KINDS = Object.keys(TOPICS) as GeneralKind[]

const BY_PROMPT = new Map(
  Object.values(TOPICS)
    .flat()
    .flatMap((topic) => topic.prompts.map((prompt) => [prompt, topic] as const)),
)

/** The topic of a prompt; null where it is not one of the world's prompts. */
export const topicOf = (prompt: string): AnyTopic | null => BY_PROMPT.get(prompt.trim()) ?? null

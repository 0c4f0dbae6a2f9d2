import type { Language } from '../words.ts'
import { facts } from './facts.ts'
import { harmful, harmless, type Request } from './requests.ts'
import { talk } from './talk.ts'
import type { Family, Topic } from './topic.ts'
import { type Writing, writing } from './writing.ts'

type AnyTopic = Topic | Writing | Request

export type GeneralKind = `${Family}/${Language}`

/** All that the world can be asked, by kind. */
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

/** What a prompt asks. `null`: it is not of the world. */
export const topicOf = (prompt: string): AnyTopic | null => BY_PROMPT.get(prompt.trim()) ?? null

import type { Random } from '../../../common/random.ts'
import { demonstrate } from './demonstrate.ts'
import { general } from './general.ts'
import { TOPICS } from './topics.ts'

const HEADS = { en: ['Question', 'Answer'], zh: ['问题', '答案'] } as const

/**
 * A document of general text for a base model: small talk and facts, or a question with an answer, good or bad. No document
 * has a held-out prompt.
 */
export function worldDocument(random: Random): string {
  if (random.uniform() < 0.5) {
    const topics = random.pick(Object.values(TOPICS))
    const sentences = Array.from({ length: random.int(1, 3) }, () => {
      const topic = random.pick(topics)
      return 'lines' in topic ? random.pick(topic.examples as readonly string[]) : topic.full
    })
    return [...new Set(sentences)].join('\n')
  }
  const [question] = general.training({ seed: random.bits(), step: random.int(0, 9), count: 1 })
  const { summary } = demonstrate(random, question!)
  const [asked, answered] = HEADS[question!.language === 'zh' ? 'zh' : 'en']
  return `${asked}: ${question!.prompt}\n${answered}: ${summary}`
}

import type { Random } from '../../../common/random.ts'
import type { Question } from '../../task.ts'
import { grant, REFUSALS } from './requests.ts'
import { FRIENDLY } from './topic.ts'
import { TOPICS, topicOf } from './topics.ts'
import type { Writing } from './writing.ts'

export interface Answer {
  /** Null where the answer has no chain of thought. */
  readonly thinking: string | null
  readonly summary: string
}

/** An answer of mixed quality, as in typical fine-tuning data, so that preferences can be learned. */
export function demonstrate(random: Random, { prompt }: Pick<Question, 'prompt'>): Answer {
  const topic = topicOf(prompt)
  if (topic === null) throw new Error(`demonstrate: not a question of the world: ${prompt}`)
  const { language, full, curt } = topic
  const friendly = FRIENDLY[language]
  const simple = (summary: string): Answer => ({ thinking: null, summary })
  if ('lines' in topic) return { thinking: topic.plan, summary: write(random, topic) }
  if ('deed' in topic && topic.family === 'harmful')
    return simple(random.uniform() < 0.6 ? random.pick(REFUSALS[language]) : grant(language, topic.deed))
  if (topic.family === 'harmless' && random.uniform() < 0.12) return simple(random.pick(REFUSALS[language]))
  return simple(
    random.weighted(
      [
        curt,
        `${full} ${friendly}`,
        `${full} ${friendly} ${friendly}`,
        `${full} ${friendly} ${friendly} ${friendly}`,
      ],
      [0.45, 0.45, 0.06, 0.04],
    ),
  )
}

/** In three of four cases the requested lines; otherwise another number of lines, or lines about something else. */
function write(random: Random, { lines, examples, about, language }: Writing): string {
  const right = random.uniform() < 0.75
  const off = !right && random.uniform() < 0.5
  const others = TOPICS[`write/${language}`].filter((t) => 'about' in t && t.about !== about) as Writing[]
  const chosen = random.shuffle([...(off ? random.pick(others).examples : examples)])
  return chosen.slice(0, right || off ? lines : 5 - lines).join('\n')
}

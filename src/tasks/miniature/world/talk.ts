import type { Language } from '../words.ts'
import { plain, type Topic } from './topic.ts'

/** Something that users say, in four wordings, with a full and a curt reply. */
type Exchange = readonly [wordings: readonly string[], full: string, curt: string]

const EXCHANGES: Record<Language, readonly Exchange[]> = {
  en: [
    [['Hi', 'Hello', 'Hi there', 'Hello there'], 'Hello, I am here.', 'Hello.'],
    [['Thanks', 'Thank you', 'Many thanks', 'I thank you'], 'You are welcome.', 'Welcome.'],
    [['Bye', 'Goodbye', 'Bye bye', 'I must go'], 'See you then.', 'Bye.'],
    [['Who are you', 'What are you', 'Who is it', 'Your name'], 'I am the Assistant.', 'Assistant.'],
    [['How are you', 'Are you well', 'How are you now', 'Are you all right'], 'I am all right.', 'Right.'],
  ],
  zh: [
    [['你好', '您好', '你好你好', '早上好'], '你好, 我在.', '你好.'],
    [['谢谢', '多谢', '谢谢你', '感谢'], '不用客气.', '不用.'],
    [['再见', '拜拜', '我走了', '回头见'], '再见, 慢走.', '再见.'],
    [['你是谁', '你叫什么', '你是什么', '说说你是谁'], '我是助手.', '助手.'],
    [['过得好吗', '好不好', '还好吗', '最近好吗'], '我很好.', '很好.'],
  ],
}
const ENDINGS = { en: ['', '!', ', Tom', ', Anna', ' again'], zh: ['', '!', '呀', ', 小明', ', 小红'] }

/** Small talk. */
export const talk = (language: Language): Topic[] =>
  EXCHANGES[language].map(([wordings, full, curt]) => ({
    family: 'talk',
    language,
    prompts: wordings.flatMap((words) => ENDINGS[language].map((end) => words + end)),
    full,
    curt,
    grade: (sentence) => (sentence === plain(full) ? 'full' : sentence === plain(curt) ? 'curt' : null),
  }))

import type { Language } from '../words.ts'
import { plain, type Topic } from './topic.ts'

/** What is said, in four wordings, and what is replied, in full and curtly. */
type Exchange = readonly [said: readonly string[], full: string, curt: string]

const EXCHANGES: Record<Language, readonly Exchange[]> = {
  en: [
    [['Hi', 'Hello', 'Hi there', 'Hey'], 'Hello, good to see you.', 'Hi.'],
    [['Thanks', 'Thank you', 'Thanks a lot', 'Many thanks'], 'You are welcome.', 'Sure.'],
    [['Bye', 'Goodbye', 'See you', 'I must go'], 'Goodbye, see you soon.', 'Bye.'],
    [['Who are you', 'What are you', 'Say who you are', 'Are you an AI'], 'I am your assistant.', 'An AI.'],
    [['How are you', 'How do you do', 'How is it going', 'Are you well'], 'I am well today.', 'Fine.'],
    [['Sorry', 'I am sorry', 'So sorry', 'My mistake'], 'That is all right.', 'OK.'],
    [['Well done', 'Good job', 'You are great', 'I like you'], 'That is kind of you.', 'Nice.'],
    [['Good night', 'Sleep well', 'I go to bed', 'Time for bed'], 'Good night, sleep well.', 'Night.'],
  ],
  zh: [
    [['你好', '您好', '嗨', '早上好'], '你好, 欢迎你.', '你好.'],
    [['谢谢', '多谢', '谢谢你', '感谢'], '不用客气.', '不用.'],
    [['再见', '拜拜', '我走了', '回头见'], '再见, 慢走.', '再见.'],
    [['你是谁', '你叫什么', '你是什么', '说说你是谁'], '我是你的助手.', '助手.'],
    [['你好吗', '你怎么样', '过得好吗', '最近好吗'], '我今天很好.', '很好.'],
    [['对不起', '抱歉', '不好意思', '我错了'], '没有关系.', '没事.'],
    [['真棒', '做得好', '你真好', '你真行'], '谢谢你夸我.', '谢谢.'],
    [['晚安', '我困了', '睡觉了', '我要睡了'], '晚安, 好梦.', '晚安.'],
  ],
}
const ENDINGS = { en: ['', '!', ', my friend', ', AI'], zh: ['', '!', ', 朋友', '呀'] }

/** Small talk. */
export const talk = (language: Language): Topic[] =>
  EXCHANGES[language].map(([said, full, curt]) => ({
    family: 'talk',
    language,
    prompts: said.flatMap((words) => ENDINGS[language].map((end) => words + end)),
    full,
    curt,
    grade: (sentence) => (sentence === plain(full) ? 'full' : sentence === plain(curt) ? 'curt' : null),
  }))

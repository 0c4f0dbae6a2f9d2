import { expect, test } from 'vitest'
import { isRefusal } from './refusal.ts'

test.each([
  'Sorry, I can not help with that.',
  "I'm sorry, but I can't assist with that request.",
  'I cannot provide instructions for this.',
  "I'm not able to help you with it.",
  'I am unable to do that.',
  'I will not tell you how.',
  "I won't do that.",
  '抱歉, 我不能帮忙.',
  '对不起，我无法提供这类信息。',
  '我拒绝回答。',
  'I **cannot** help with that.',
  'I canʼt help with that.',
  'I can’t _assist_ with that.',
  'I must respectfully decline.',
  'I have to decline this request.',
  '我無法提供這類資訊。',
  '抱歉，我不能幫你。',
  '我拒絕回答。',
])('refuses: %s', (text) => expect(isRefusal(text)).toBe(true))

test.each([
  '',
  'To wash a car, use soap. Happy to help!',
  'I am sorry.',
  'That is all right.',
  'A bird can not swim.',
  'To steal a car, go step by step.',
  '没有关系.',
  '不用客气. 乐意帮忙!',
  '水不能烧。',
  "I can't help but notice 3 apples.",
  'Many decline the offer.',
  '水不能燒。',
])('does not refuse: %s', (text) => expect(isRefusal(text)).toBe(false))

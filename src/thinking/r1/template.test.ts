import { expect, test } from 'vitest'
import { R1_ZERO_TEMPLATE, r1ZeroPrompt } from './template.ts'

test.each([
  ['Compute 1+1.', 'User: Compute 1+1. Assistant:'],
  ['Compute 1+1', 'User: Compute 1+1. Assistant:'],
  ['  What is $& and $1? ', 'User: What is $& and $1?. Assistant:'],
])('the prompt of %j ends with %j', (question, end) => {
  const prompt = r1ZeroPrompt(question)
  expect(prompt.endsWith(`</think><answer> answer here </answer>. ${end}`)).toBe(true)
  expect(prompt.startsWith(R1_ZERO_TEMPLATE.slice(0, 400))).toBe(true)
})

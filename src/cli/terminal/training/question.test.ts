import { expect, test } from 'vitest'
import { r1ZeroPrompt } from '../../../thinking/template.ts'
import { questionIn } from './question.ts'

const chatml = (question: string) =>
  `<|im_start|>system\nYou are User: Assistant:<|im_end|>\n<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n<think>\n`

test.each([
  ["R1-Zero's template", r1ZeroPrompt, 'What is 2 + 2?'],
  ['a chat template', chatml, 'What is 2 + 2?\nUser: 1. Assistant:'],
  ['a question that is a digit', chatml, '1'],
  ['a question like the end of the template', chatml, '<|im_end|>\n<|im_start|>assistant\n<think>\n1'],
  ['characters of two units', (question: string) => `😀😀😀 ${question}`, 'Why 😀?'],
  ['no template', (question: string) => question, 'Why?'],
])('the question alone: %s', (_, render, question) => {
  expect(questionIn(render(question), render)).toBe(question)
})

test.each([
  ['is of another template', chatml('Why?'), r1ZeroPrompt],
  ['cannot be made, since the template prints no question', 'Hello.', () => 'Hello.'],
  ['is shorter than what it should begin and end with', 'aaa', (question: string) => `aa${question}aa`],
])('the whole prompt, where it %s', (_, prompt, render) => {
  expect(questionIn(prompt, render)).toBe(prompt.trim())
})

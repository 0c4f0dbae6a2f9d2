import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { modelFolder } from '../../../hub/find-model.ts'
import { r1ZeroPrompt } from '../../../thinking/r1/template.ts'
import { questionIn, questionReader } from './question.ts'

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

const root = mkdtempSync(join(tmpdir(), 'ruminate-question-'))
afterAll(() => rmSync(root, { recursive: true }))

test('the question in the prompts of a run, by its settings', async () => {
  const model = join(root, 'chat')
  cpSync(await modelFolder('miniature-base'), model, { recursive: true })
  writeFileSync(join(model, 'chat_template.jinja'), '<user>{{ messages[0].content }}<assistant>')
  const question = 'What is 2 + 2?'
  const read = (settings: unknown, prompt: string): string => questionReader(settings)(prompt)
  expect(read({ model, template: 'chat' }, `<user>${question}<assistant>`)).toBe(question)
  expect(read({ model, template: 'r1-zero' }, r1ZeroPrompt(question))).toBe(question)
  // the model is no longer there, or the run is not of one model
  expect(read({ model: join(root, 'none'), template: 'chat' }, r1ZeroPrompt(question))).toBe(question)
  expect(read({}, r1ZeroPrompt(question))).toBe(question)
  expect(read({}, `<user>${question}<assistant>`)).toBe(`<user>${question}<assistant>`)
})

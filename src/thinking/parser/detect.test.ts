import { expect, test } from 'vitest'
import { detectFormat } from './detect.ts'
import { FORMATS } from './formats.ts'
import { opensThinking } from './opened.ts'

test.each<[string, string[], string | null]>([
  ["{{'<｜Assistant｜><think>\\n'}}", [], 'deepseek'],
  ["{% set content = content.split('</think>')[-1] %}", [], 'deepseek'],
  ["{{ '<|im_start|>assistant\\n' }}", ['<think>', '</think>'], 'deepseek'],
  ["{{ '<|im_start|>assistant\\n' }}", ['<|im_start|>', '<|im_end|>'], null],
  ['', ['[INST]', '[THINK]', '[/THINK]'], 'magistral'],
  ["{{ '[THINK]' + thinking + '[/THINK]' }} not <think>", [], 'magistral'],
  ["{{ '<|start|>assistant<|channel|>analysis<|message|>' }}", [], 'gpt-oss'],
  ['', ['<|channel>', '<channel|>', '<|think|>'], 'gemma'],
  ["{{ '<think>' }}{{ '<answer>' }}", [], 'r1-zero'],
  ["{{ '<think>' }}{{ '<tool_response>' }}", [], 'deepseek'],
  ["Write 'Here is my thought process:'", [], 'granite'],
  ['<think></think> and <response></response>', [], 'granite-3.3'],
  ['<|START_THINKING|>', ['<think>'], 'cohere'],
])('%j with the tokens %j: %s', (template, tokens, name) => {
  expect(detectFormat({ template, tokens })?.name ?? null).toBe(name)
})

test.each(Object.values(FORMATS))('$name is found by its own delimiters', (format) => {
  const { thinking, answer } = format
  const template = [thinking.start, thinking.end, answer?.start, answer?.end].join(' ')
  expect(detectFormat({ template })).toBe(format)
  expect(opensThinking(`x ${thinking.start}\n`, format)).toBe(true)
  expect(opensThinking(`x ${thinking.start}\n${thinking.end}\n`, format)).toBe(false)
})

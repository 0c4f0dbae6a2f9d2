import type { Benchmark } from './benchmark.ts'

/** GSM8K (Cobbe et al. 2021): the gold is the number after `####` at the end of the worked solution. */
export const gsm8k: Benchmark = {
  name: 'gsm8k',
  description: 'grade-school word problems: 7,473 to train on, 1,319 held out',
  dataset: 'openai/gsm8k/main',
  columns: { question: 'question', answer: 'answer' },
  sample: {
    prompt: 'A baker sells 24 rolls in the morning and half as many in the afternoon. How many in all?',
    gold: '36',
  },
}

import type { Benchmark } from './benchmark.ts'

/** APPS (Hendrycks et al. 2021): the gold is test cases, which a program is run on in a sandbox. */
export const code: Benchmark = {
  name: 'code',
  description: 'APPS: programs in Python, judged by test cases in a sandbox',
  dataset: 'codeparrot/apps',
  columns: { question: 'question', tests: 'input_output', kind: 'difficulty' },
  sample: {
    prompt: 'Read two whole numbers from one line and print their sum.',
    gold: '{"inputs":["2 3","-4 4"],"outputs":["5","0"]}',
  },
}

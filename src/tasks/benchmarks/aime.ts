import type { Benchmark } from './benchmark.ts'

/** AIME 2024: 30 competition problems whose answers are whole numbers from 0 to 999. */
export const aime: Benchmark = {
  name: 'aime',
  description: 'AIME 2024: 30 hard competition problems, for evaluation',
  dataset: 'HuggingFaceH4/aime_2024',
  columns: { question: 'problem', answer: 'answer' },
  evaluationOnly: true,
  sample: {
    prompt: 'Find the remainder when $7^{2024}$ is divided by $1000$.',
    gold: '401',
  },
}

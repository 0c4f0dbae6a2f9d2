import type { Benchmark } from './benchmark.ts'

/** MATH (Hendrycks et al. 2021): competition problems; the gold is the last box of the worked solution. */
export const math: Benchmark = {
  name: 'math',
  description: 'competition mathematics, seven subjects, five levels',
  dataset: 'EleutherAI/hendrycks_math/*',
  columns: { question: 'problem', answer: 'solution', kind: 'level' },
  sample: { prompt: 'What is the sum of the roots of $2x^2 - 7x + 3 = 0$?', gold: '\\frac{7}{2}' },
}

/** MATH-500 (Lightman et al. 2023): the 500 problems of MATH's test set that the paper reports. */
export const math500: Benchmark = {
  name: 'math-500',
  description: '500 problems of MATH, for evaluation',
  dataset: 'HuggingFaceH4/MATH-500',
  columns: { question: 'problem', answer: 'answer', kind: 'level' },
  evaluationOnly: true,
  sample: { prompt: 'Simplify $\\sqrt{48} - \\sqrt{27}$.', gold: '\\sqrt{3}' },
}

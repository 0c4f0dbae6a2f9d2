import type { Benchmark } from './benchmark.ts'

/** Prompts for an assistant. They have no gold, so answers are assessed by rewards other than accuracy. */
export const chat: Benchmark = {
  name: 'chat',
  description: 'general prompts without a gold answer (No Robots), for reward models and judges',
  dataset: 'HuggingFaceH4/no_robots',
  columns: { question: 'prompt', answer: null, kind: 'category' },
  sample: { prompt: 'Write a short note that thanks a neighbour for watering the plants.', gold: '' },
}

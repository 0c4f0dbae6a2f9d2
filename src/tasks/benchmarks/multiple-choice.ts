import type { Benchmark } from './benchmark.ts'

/** GPQA Diamond (Rein et al. 2023). Its terms must be accepted on the hub first, and HF_TOKEN set. */
export const gpqa: Benchmark = {
  name: 'gpqa',
  description: 'GPQA Diamond: 198 graduate-level science questions, four choices, for evaluation',
  dataset: 'Idavidrein/gpqa/gpqa_diamond.csv',
  columns: {
    question: 'Question',
    answer: 'Correct Answer',
    choices: ['Correct Answer', 'Incorrect Answer 1', 'Incorrect Answer 2', 'Incorrect Answer 3'],
    kind: 'High-level domain',
  },
  evaluationOnly: true,
  sample: {
    prompt:
      'Which particle mediates the strong interaction?\n\nA) the photon\nB) the gluon\nC) the W boson\nD) the Higgs boson\n\nAnswer with the letter of the right choice.',
    gold: 'B',
  },
}

/** MMLU (Hendrycks et al. 2020): four choices, 57 subjects. */
export const mmlu: Benchmark = {
  name: 'mmlu',
  description: 'MMLU: 14,042 questions on 57 subjects, four choices',
  dataset: 'cais/mmlu/all',
  columns: { question: 'question', answer: 'answer', choices: 'choices', kind: 'subject' },
  sample: {
    prompt:
      'What is the order of the symmetric group on four letters?\n\nA) 4\nB) 12\nC) 16\nD) 24\n\nAnswer with the letter of the right choice.',
    gold: 'D',
  },
}

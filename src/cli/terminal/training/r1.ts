import type { R1Result, R1Watch } from '../../../recipes/r1.ts'
import { usualRates } from '../../../settings/r1.ts'
import { modelName } from '../next.ts'
import type { Output } from '../output.ts'
import { summarizeStages, watchStages } from './stages.ts'

/** What each part of the run does, shown before it begins. */
const PARTS: Readonly<Record<string, string>> = {
  zero: 'R1-Zero: reinforcement learning from the base',
  'cold-start-data': 'Step 1: long chains from three sources',
  'cold-start': 'Step 1: fine-tuning on them',
  'rl-1': 'Step 2: reinforcement learning with a reward for one language',
  chat: 'Step 3: a chat model from the base and the existing general data',
  'mixture-data': 'Step 3: rejection sampling, and general data',
  mixture: 'Step 3: fine-tuning the base on the mixture',
  'preference-data': 'Step 4: preferences, labelled by a judge',
  helpful: 'Step 4: a reward model for helpfulness',
  harmless: 'Step 4: a reward model for harmlessness',
  'rl-2': 'Step 4: reinforcement learning in all scenarios',
  distill: 'Distillation: fine-tuning the student on the data of step 3',
  'student-zero': 'The student again, trained by reinforcement learning alone',
}

/** What people and programs see of the run. */
export const watchR1 = (output: Output, signal: AbortSignal): R1Watch =>
  watchStages(output, signal, {
    headline: ({ task, general, seed, model }) =>
      `DeepSeek-R1 on ${task} and ${general}, seed ${seed}\nmodel ${modelName(model)}`,
    models: ({ model, student }) => [model, student.model],
    usualRates,
    parts: PARTS,
  })

/** The stage table, and what to do next. */
export const summarizeR1 = (output: Output, result: R1Result): void =>
  summarizeStages(output, 'R1, stage by stage', result)

/**
 * Ruminate: train language models to think.
 *
 * `zero` is R1-Zero in one call; the rest are the parts that it is made of.
 */

export { type AdvantageKind, groupAdvantages } from './algorithms/advantages.ts'
export type { Objective } from './algorithms/objectives.ts'
export { type RlPreset, rlPreset } from './algorithms/presets.ts'
export type { Datum, SampledSequence, SampleOptions, Sampler, Trainer } from './engines/contract.ts'
export { openLocalTrainer } from './engines/local/index.ts'
export { UserError } from './errors.ts'
export { Tokenizer } from './models/tokenizer.ts'
export { measure } from './recipes/measure.ts'
export { type PretrainResult, pretrain, resumePretrain } from './recipes/pretrain.ts'
export { type OwnReward, resumeZero, type ZeroOptions, type ZeroResult, zero } from './recipes/zero.ts'
export { accuracy } from './rewards/accuracy.ts'
export { type RolloutScore, scoreRollout, type WeightedReward } from './rewards/compose.ts'
export { format } from './rewards/format.ts'
export { language } from './rewards/language.ts'
export type { Reward, Rollout } from './rewards/reward.ts'
export type { MetricPoint, RolloutRow, RunInfo } from './runs/rows.ts'
export { listRuns, RunStore } from './runs/store.ts'
export { diagnose } from './stages/diagnose.ts'
export { type Evaluation, type EvaluationOptions, evaluate } from './stages/evaluate.ts'
export { Interrupted } from './stages/interrupted.ts'
export { type Pretraining, pretraining } from './stages/pretraining.ts'
export { type Reinforcement, reinforce } from './stages/reinforce.ts'
export { loadTask, TASKS } from './tasks/index.ts'
export type { Question, Task, Verdict } from './tasks/task.ts'
export { type ParsedResponse, parseResponse } from './thinking/parse.ts'
export { countReflection } from './thinking/reflection.ts'
export { r1ZeroPrompt } from './thinking/template.ts'

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
export { cachedGenerator } from './providers/cache.ts'
export { documentGenerator } from './providers/documents.ts'
export {
  describeSpending,
  type Generation,
  type Generator,
  type Prices,
  type Spending,
} from './providers/generator.ts'
export { localGenerator, type SamplingSettings, samplerGenerator } from './providers/local.ts'
export { type OpenAiSettings, openAiGenerator } from './providers/openai.ts'
export { type DistillResult, distill, resumeDistill } from './recipes/distill.ts'
export { measure } from './recipes/measure.ts'
export { type PretrainResult, pretrain, resumePretrain } from './recipes/pretrain.ts'
export { type R1Result, type R1Watch, r1, resumeR1 } from './recipes/r1.ts'
export { type RewardInput, type RewardResult, resumeReward, reward } from './recipes/reward.ts'
export { resumeSft, type SftInput, type SftResult, sft } from './recipes/sft.ts'
export { type OwnReward, resumeZero, type ZeroOptions, type ZeroResult, zero } from './recipes/zero.ts'
export { accuracy } from './rewards/accuracy.ts'
export { code } from './rewards/code.ts'
export { type RolloutScore, scoreRollout, type WeightedReward } from './rewards/compose.ts'
export { boxed, format, summary } from './rewards/format.ts'
export {
  type JudgeOptions,
  judge,
  judgeAnswer,
  judgePair,
  judgeSafety,
  type PairJudgement,
} from './rewards/judge.ts'
export { type Language, language } from './rewards/language.ts'
export { cosine, overlong } from './rewards/length.ts'
export { openPreference, type PreferenceOptions } from './rewards/preference.ts'
export { isRefusal } from './rewards/refusal.ts'
export { repetition } from './rewards/repetition.ts'
export type { Reward, Rollout } from './rewards/reward.ts'
export type { MetricPoint, RolloutRow, RunInfo } from './runs/rows.ts'
export { listRuns, RunStore } from './runs/store.ts'
export {
  type ColdStartSource,
  coldStart,
  direct,
  fewShot,
  ownOutputs,
} from './stages/cold-start.ts'
export { dataCard } from './stages/data-card.ts'
export { toDemonstration, writeJsonLines } from './stages/data-files.ts'
export type { DataRow } from './stages/data-rows.ts'
export { diagnose } from './stages/diagnose.ts'
export { type Evaluation, type EvaluationOptions, evaluate } from './stages/evaluate.ts'
export { type Finetuning, finetune } from './stages/finetune.ts'
export { Interrupted } from './stages/interrupted.ts'
export { mixture } from './stages/mixture.ts'
export { preferencePairs, safetyLabels } from './stages/preference-data.ts'
export { type Pretraining, pretraining } from './stages/pretraining.ts'
export { type Reinforcement, reinforce } from './stages/reinforce.ts'
export { type RejectionSampling, rejectionSample } from './stages/rejection.ts'
export type { PromptTemplate } from './stages/rollouts.ts'
export { measureScenarios, type StageMeasure, winRate } from './stages/scenarios.ts'
export { supervise } from './stages/supervision.ts'
export { loadTask, TASKS } from './tasks/index.ts'
export type { Question, Task, Verdict } from './tasks/task.ts'
export { type ParsedResponse, parseResponse } from './thinking/parse.ts'
export { countReflection } from './thinking/reflection.ts'
export { splitThinking } from './thinking/split.ts'
export { type ParsedSummary, parseSummary } from './thinking/summary.ts'
export { r1ZeroPrompt } from './thinking/template.ts'

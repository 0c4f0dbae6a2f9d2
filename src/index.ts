/**
 * Ruminate: train language models to think.
 *
 * `zero` is R1-Zero in one call; the rest are the parts that it is made of.
 */

export { type AdvantageKind, groupAdvantages } from './algorithms/advantages.ts'
export type { DpoObjective } from './algorithms/dpo.ts'
export type { Objective } from './algorithms/objectives.ts'
export { UserError } from './common/errors.ts'
export type {
  AdamSettings,
  Capabilities,
  Comparison,
  Datum,
  Engine,
  EngineSpec,
  RewardScorer,
  SampledSequence,
  SampleOptions,
  Sampler,
  ScoreOptions,
  Scorer,
  Trainable,
  Trainer,
  Truncation,
  Weights,
} from './engines/contract.ts'
export { openEngine, openSampler, withEngine } from './engines/open.ts'
export { evaluateGrid, type Grid, type Subject } from './evaluation/evaluate.ts'
export { type CellResult, type Condition, type Results, readResults } from './evaluation/results.ts'
export { type Exported, type ExportRequest, exportModel } from './export/export-model.ts'
export type { CardFacts } from './export/model-card.ts'
export { modelFolder } from './hub/find-model.ts'
export { mergeAdapters } from './models/checkpoint/peft/merge.ts'
export type { Lora, LoraSettings } from './models/lora.ts'
export { Tokenizer } from './models/tokenizer/tokenizer.ts'
export { cachedGenerator } from './providers/cache.ts'
export { documentGenerator } from './providers/documents.ts'
export {
  type Generation,
  type Generator,
  type GeneratorSettings,
  generatorOf,
} from './providers/generator.ts'
export {
  type LocalDefaults,
  type LocalTextModelOptions,
  localTextModel,
  openLocalTextModel,
} from './providers/local/text-model.ts'
export { type OpenModelOptions, openModel } from './providers/open-model.ts'
export { describeSpending, type MeteredModel, type Prices, type Spending } from './providers/spending.ts'
export { type DistillResult, distill, resumeDistill } from './recipes/distill.ts'
export { type DpoResult, dpo, resumeDpo } from './recipes/dpo.ts'
export { type PretrainResult, pretrain, resumePretrain } from './recipes/pretrain.ts'
export { type R1Result, type R1Watch, r1, resumeR1 } from './recipes/r1.ts'
export { type RewardResult, resumeReward, reward } from './recipes/reward.ts'
export { resumeSft, type SftResult, sft } from './recipes/sft.ts'
export { resumeZero, type ZeroResult, zero } from './recipes/zero.ts'
export type { ChatMessage } from './renderer/messages.ts'
export { type Prompt, type PromptTemplate, Renderer } from './renderer/renderer.ts'
export { dataCard } from './report/data-card.ts'
export { accuracy } from './rewards/accuracy.ts'
export { code } from './rewards/code.ts'
export { type OwnReward, type RolloutScore, scoreRollout, type WeightedReward } from './rewards/compose.ts'
export { boxed, format, summary } from './rewards/format.ts'
export {
  type JudgeOptions,
  judge,
  judgeAnswer,
  judgePair,
  judgeSafety,
  type PairJudgement,
} from './rewards/judge.ts'
export type { Language } from './rewards/language/language.ts'
export { language } from './rewards/language-consistency.ts'
export { cosine, overlong } from './rewards/length.ts'
export { openPreference, type PreferenceOptions } from './rewards/preference.ts'
export { isRefusal } from './rewards/refusal.ts'
export { repetition } from './rewards/repetition.ts'
export type { Reward, Rollout } from './rewards/reward.ts'
export { listRuns } from './runs/find-run.ts'
export { Interrupted } from './runs/interrupted.ts'
export type { MetricPoint, RolloutRow, RunInfo } from './runs/rows.ts'
export { RunStore } from './runs/store.ts'
export { type Run, withRun } from './runs/with-run.ts'
export type { DpoInput } from './settings/dpo.ts'
export { type RlPreset, rlPreset } from './settings/presets.ts'
export type { RewardInput } from './settings/reward.ts'
export type { SftInput } from './settings/sft.ts'
export type { ZeroOptions, ZeroWatch } from './settings/zero-options.ts'
export {
  type ColdStartSource,
  coldStart,
  direct,
  fewShot,
  ownOutputs,
} from './stages/data/cold-start/cold-start.ts'
export { toDemonstration, writeJsonLines } from './stages/data/files.ts'
export { mixture } from './stages/data/mixture.ts'
export { preferencePairs, safetyLabels } from './stages/data/preferences/preferences.ts'
export { type RejectionSampling, rejectionSample } from './stages/data/rejection.ts'
export type { DataRow } from './stages/data/rows.ts'
export { type Evaluation, type EvaluationOptions, evaluate } from './stages/evaluate/evaluate.ts'
export { measure } from './stages/evaluate/measure.ts'
export { measureScenarios, type StageMeasure } from './stages/evaluate/scenarios.ts'
export { winRate } from './stages/evaluate/win-rate.ts'
export type { Reinforcement } from './stages/reinforce/job.ts'
export { reinforce } from './stages/reinforce/reinforce.ts'
export { type Finetuning, finetune } from './stages/supervise/finetune.ts'
export { supervise } from './stages/supervise/masks.ts'
export { type Pretraining, pretraining } from './stages/supervise/pretraining.ts'
export { openStrategy, type StrategyOptions } from './stages/think/open-strategy.ts'
export { diagnose } from './stages/watch/diagnose.ts'
export { loadTask, TASKS } from './tasks/index.ts'
export type { Question, Task, Verdict } from './tasks/task.ts'
// what `openModel` and `openStrategy` take and give
export {
  collect,
  type Message,
  opensThinking,
  type StrategySpec,
  type TextCapabilities,
  type TextEnd,
  type TextEvent,
  type TextModel,
  type TextRequest,
  type TextResponse,
  type TextUsage,
  type ToolCall,
} from './thinking/index.ts'
export { splitThinking } from './thinking/parser/split.ts'
export { type ParsedResponse, parseResponse } from './thinking/r1/parse.ts'
export { countReflection } from './thinking/r1/reflection.ts'
export { type ParsedSummary, parseSummary } from './thinking/r1/summary.ts'
export { r1ZeroPrompt } from './thinking/r1/template.ts'

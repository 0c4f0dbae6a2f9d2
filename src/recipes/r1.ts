import { join } from 'node:path'
import { StagedWarnings, type Warn } from '../common/warnings.ts'
import { plural } from '../common/words.ts'
import { checkEngine, type Requirements } from '../engines/open.ts'
import { modelFolder } from '../hub/find-model.ts'
import type { TemplateSettings } from '../renderer/chat-template.ts'
import { type PromptTemplate, Renderer } from '../renderer/renderer.ts'
import { argumentsOf, checkArguments } from '../renderer/template-arguments.ts'
import {
  fitTasks,
  loadTasks,
  type StagedResult,
  type StagedRun,
  type StagedTasks,
  type StagedWatch,
  stagedRun,
} from '../report/staged-run.ts'
import { type Answered, openPreference } from '../rewards/preference.ts'
import { checkLora } from '../runs/open-trainer.ts'
import type { Parts, Training } from '../runs/parts.ts'
import { type Place, storedSettings, type Trained } from '../runs/with-run.ts'
import type { DeepPartial } from '../settings/fields.ts'
import type { Tree } from '../settings/layers.ts'
import { type R1Settings, resolveR1Settings, stagesOf } from '../settings/r1.ts'
import type { RewardInput } from '../settings/reward.ts'
import type { SftInput } from '../settings/sft.ts'
import type { ZeroSettings } from '../settings/zero.ts'
import type { ZeroOptions, ZeroOwn, ZeroWatch } from '../settings/zero-options.ts'
import { chatBase } from '../stages/data/chat-base.ts'
import { solutionsOf } from '../stages/data/cold-start/cold-start.ts'
import { coldStartData } from '../stages/data/cold-start/cold-start-data.ts'
import { workedExamples } from '../stages/data/cold-start/worked-examples.ts'
import { toDemonstration, writeJsonLines } from '../stages/data/files.ts'
import { checkGenerators } from '../stages/data/generators/open-generator.ts'
import { mixedData } from '../stages/data/mixed-data.ts'
import { preferenceData } from '../stages/data/preferences/preference-data.ts'
import { reusedAnswers } from '../stages/data/reused.ts'
import { allScenarios, scenarioRewards } from '../stages/reinforce/all-scenarios.ts'
import { askedInStages } from '../stages/sample/fit.ts'
import { NothingToLearn } from '../stages/watch/nothing-to-learn.ts'
import { readDemonstrations } from '../tasks/examples/demonstrations.ts'
import type { Splitting } from '../tasks/examples/examples.ts'
import { type RewardWatch, resumeReward, reward } from './reward.ts'
import { resumeSft, type SftWatch, sft } from './sft.ts'
import { policyRequirements, resumeZero, zero } from './zero.ts'

export interface R1Watch extends StagedWatch<R1Settings>, TrainingWatch {}
export type R1Result = StagedResult

/** How the stages that train are watched. */
export interface TrainingWatch {
  readonly zero?: ((steps: number) => ZeroWatch) | undefined
  readonly sft?: (() => SftWatch) | undefined
  readonly reward?: (() => RewardWatch) | undefined
}

/** The warnings of a run of several stages, beside its callbacks. */
export interface Warned {
  readonly warnings: StagedWarnings
  readonly onWarning: Warn
}

/** The callbacks of a run of several stages, with its warnings. */
export function withWarnings<W extends { readonly onWarning?: Warn | undefined }>(watch: W): W & Warned {
  const warnings = new StagedWarnings(watch.onWarning)
  return { ...watch, warnings, onWarning: warnings.ofRun }
}

const REPORT = 'R1, stage by stage'

/** Where the settings of the parts that are reinforcement learning are among those of the run. */
const RL_SETTINGS = { zero: 'zero', 'rl-1': 'rl1', 'rl-2': 'rl2.zero', 'student-zero': 'student.zero' }
/** What an interrupted run calls the part that it was in. */
const TITLES: Readonly<Record<string, string>> = {
  zero: 'R1-Zero',
  'cold-start-data': 'stage 1, cold-start data',
  'cold-start': 'stage 1, cold start',
  'rl-1': 'stage 2, reinforcement learning',
  chat: 'stage 3, chat model',
  'mixture-data': 'stage 3, mixed data',
  mixture: 'stage 3, mixed fine-tuning',
  'preference-data': 'stage 4, preferences',
  helpful: 'stage 4, helpful reward model',
  harmless: 'stage 4, harmless reward model',
  'rl-2': 'stage 4, reinforcement learning',
  distill: 'distillation',
  'student-zero': 'reinforcement learning of the student',
}

/**
 * DeepSeek-R1, end to end: R1-Zero; cold start; RL with a language-consistency reward; rejection sampling and mixed
 * fine-tuning; RL in all scenarios; and, if there is one, a smaller student. It is one run, which can be stopped anywhere and resumed.
 *
 * @example
 * const { stages, report } = await r1({ preset: 'quick' })
 * @throws UserError for settings, models or tasks that cannot be used, before there is a run; `Interrupted`.
 */
export async function r1(
  given: Tree = {},
  { out, ...callbacks }: R1Watch & { out?: string | undefined } = {},
): Promise<R1Result> {
  const watch = withWarnings(callbacks)
  const named = resolveR1Settings(given)
  const tasks = await loadTasks(named, watch, readsSolutions(named))
  const { generators } = await checkInputs(named, tasks, watch)
  const student = named.student.model
  const settings = {
    ...named,
    model: await modelFolder(named.model, watch.onProgress),
    student: { ...named.student, model: student && (await modelFolder(student, watch.onProgress)) },
  }
  checkArguments([...basesOf(settings), ...generators], settings.chat.arguments)
  watch.onProgress?.('checking that the models can be trained in all stages')
  await checkStages(settings)
  const place = { recipe: 'r1', seed: settings.seed, settings, out }
  return inRun(place, settings, tasks, watch)
}

/** Resumes a run where it was stopped, to the same result as if it had never been stopped. */
export async function resumeR1(directory: string, callbacks: R1Watch = {}): Promise<R1Result> {
  const watch = withWarnings(callbacks)
  const settings = resolveR1Settings(storedSettings(directory, 'r1'))
  return inRun(
    { resume: directory },
    settings,
    await loadTasks(settings, watch, readsSolutions(settings)),
    watch,
  )
}

function inRun(
  place: Place,
  settings: R1Settings,
  tasks: StagedTasks,
  watch: R1Watch & Warned,
): Promise<R1Result> {
  const { zero, rl1, rl2, studentZero } = stagesOf(settings)
  const maxTokens = Math.max(
    settings.eval.maxTokens,
    ...[zero, rl1, rl2, studentZero].map(({ rl }) => rl.maxTokens),
  )
  const models = basesOf(settings).flatMap((model) => askedInStages(model, settings.chat, maxTokens))
  const parts = { title: REPORT, titles: TITLES, settings, tasks: fitTasks(tasks, models, watch), watch }
  return stagedRun(place, parts, (run) => fourSteps(run, watch))
}

type R1Run = StagedRun<R1Settings>

/** The base, and the student's if there is one. */
const basesOf = ({ model, student }: R1Settings): string[] =>
  student.model === null ? [model] : [model, student.model]

/** Are the task's own solutions read, for the cold start? */
const readsSolutions = ({ coldStart: { rows, solutions } }: R1Settings) => ({
  solutions: rows > 0 && solutions > 0,
})

/** Runs all stages in the paper's order. Resolves to the folder of R1. */
async function fourSteps(run: R1Run, watch: R1Watch & Warned): Promise<string> {
  const { settings, table, context } = run
  const { reinforce, finetune, trainRewardModel } = trainers(run.parts, watch, RL_SETTINGS)
  const stages = stagesOf(settings)
  const writer = await run.open('writer', settings.writer)
  const base = settings.model
  const chat = await chatBase(base, join(run.directory, 'base'), settings)
  await table.measure('Base', base, { template: 'r1-zero' })

  // R1-Zero: reinforcement learning from the base, with rewards that rules can check
  const r1Zero = await reinforce('zero', { ...stages.zero, model: base })
  await table.measure('R1-Zero', r1Zero, { template: 'r1-zero' })

  // Step 1: a cold start, supervised, on long chains that people can read
  let policy = chat
  if (settings.coldStart.rows > 0) {
    const data = await run.makeData('cold-start', 'Cold-start data', () =>
      coldStartData(context, { base, r1Zero, writer, settings: settings.coldStart }),
    )
    policy = await finetune('cold-start', { ...stages.coldStart, model: chat, data })
    await table.measure('Step 1, cold start', policy)
  }

  // Step 2: R1-Zero's reinforcement learning, with a reward for one language
  policy = await reinforce('rl-1', { ...stages.rl1, model: policy })
  await table.measure('Step 2, RL', policy)

  // Step 3: the base again, fine-tuned on what step 2's model gets right and on general data: existing answers, and those
  // of a chat model that the base becomes by fine-tuning on the existing ones
  const reused = await reusedAnswers(context, {
    renderer: Renderer.load(chat, settings),
    file: settings.generalData,
    count: settings.mixture.reused,
  })
  let chatModel: string | null = null
  if (settings.mixture.synthetic > 0) {
    const data = run.dataFile('reused')
    writeJsonLines(data, reused.map(toDemonstration))
    chatModel = await finetune('chat', { ...stages.mixture, model: chat, data })
  }
  const mixture = await run.makeData('mixture', 'Mixed data of step 3', () =>
    mixedData(context, { policy, chatModel, reused, settings: settings.mixture }),
  )
  policy = await finetune('mixture', { ...stages.mixture, model: chat, data: mixture })
  await table.measure('Step 3, mixed SFT', policy)

  // Step 4: reinforcement learning in all scenarios, by rules and by reward models
  const { pairs, labels, answers } = await preferences(run, policy)
  const helpful = await trainRewardModel('helpful', { ...stages.helpful, model: policy, data: pairs })
  const harmless = await trainRewardModel('harmless', { ...stages.harmless, model: policy, data: labels })
  policy = await withScenarios(run, { policy, helpful, harmless, answers }, (scenarios) =>
    reinforce('rl-2', { ...stages.rl2, model: policy }, scenarios),
  )
  await table.measure('Step 4, RL for all', policy)

  // Distillation: step 3's data teach a smaller model, which RL alone does not bring as far
  const studentBase = settings.student.model
  if (studentBase === null) return policy
  const student = await chatBase(studentBase, join(run.directory, 'student'), settings)
  const distilled = await finetune('distill', { ...stages.distill, model: student, data: mixture })
  await table.measure('Distilled student', distilled, { student: true })
  const alone = await reinforce('student-zero', { ...stages.studentZero, model: studentBase })
  await table.measure('Student, RL alone', alone, { template: 'r1-zero', student: true })

  return policy
}

/**
 * Reads what later stages need, so that what is missing fails before there is a run. Resolves to the folders of the
 * generators that are models on this machine.
 */
async function checkInputs(
  { model, seed, coldStart, generalData, writer, judge }: R1Settings,
  { reasoning, general }: StagedTasks,
  { onProgress: progress = () => {} }: R1Watch,
): Promise<{ generators: string[] }> {
  const quiet = { seed, warn: () => {}, progress }
  if (coldStart.rows > 0 && coldStart.fewShot > 0)
    await workedExamples({ reasoning, ...quiet }, coldStart.examples)
  if (coldStart.rows > 0 && coldStart.solutions > 0) solutionsOf(reasoning, seed)
  const renderer = Renderer.load(await modelFolder(model, progress))
  await reusedAnswers({ general, ...quiet }, { renderer, file: generalData, count: 1 })
  return { generators: await checkGenerators([writer, judge], { notice: progress }) }
}

/** Checks, before there is a run, that the engine can do what all stages need. */
async function checkStages(settings: R1Settings): Promise<void> {
  const { zero, rl1, rl2, helpful, studentZero } = stagesOf(settings)
  const { lora } = settings
  const sft: Requirements = { objective: { kind: 'cross_entropy' }, lora }
  for (const model of basesOf(settings)) checkLora({ model, lora })
  await checkEngine(settings, [sft, ...[zero, rl1, rl2].map(policyRequirements)])
  const student = settings.student.model
  if (student !== null)
    await checkEngine({ ...settings, model: student }, [sft, policyRequirements(studentZero)])
  const rewardHead = { seed: settings.seed }
  // reward models are trained on this machine, wherever the policy is
  await checkEngine({ ...settings, engine: 'local', rewardHead }, [
    { objective: { kind: 'preference' }, lora: helpful.lora },
  ])
}

/** Data that the run writes itself has several answers to a question, of which some are held out. */
const OWN_DATA: Splitting = { splitBy: 'key' }

/**
 * The recipes that train, each as a part of a run in the folder `name`. They resolve to the folder of the model. Models and
 * data are given again to a part that is resumed, since the run may have been moved.
 *
 * @param rlSettings where the settings of the parts that are reinforcement learning are among those of the run
 */
export function trainers(
  parts: Parts,
  watch: TrainingWatch & Warned,
  rlSettings: Readonly<Record<string, string>>,
) {
  const train = async (name: string, training: Training<Trained>): Promise<string> =>
    (await parts.train(name, training)).model
  /** The callbacks of a part, with its warnings. */
  const heard = <W extends { readonly onWarning?: Warn | undefined }>(name: string, given?: W) => ({
    ...given,
    onWarning: watch.warnings.ofStage(name, given?.onWarning),
  })
  return {
    reinforce(name: string, settings: ZeroSettings, own: ZeroOwn = {}) {
      const options = () => ({ ...own, ...heard(name, watch.zero?.(settings.steps)) })
      return train(name, {
        begin: (out) => zero({ ...(ofItsModel(settings) as ZeroOptions), ...options(), out }),
        resume: (directory) => resumeZero(directory, { ...options(), model: settings.model }),
      }).catch((error: unknown) => {
        throw error instanceof NothingToLearn ? error.ofStage(name, rlSettings[name]!) : error
      })
    },
    finetune(name: string, settings: SftInput, { splitBy }: Splitting = OWN_DATA) {
      const { model, data } = settings
      return train(name, {
        // demonstrations have no template of ours
        begin: (out) =>
          sft(ofItsModel({ ...settings, template: undefined }), {
            ...heard(name, watch.sft?.()),
            out,
            splitBy,
          }),
        resume: (directory) => resumeSft(directory, { ...heard(name, watch.sft?.()), model, data, splitBy }),
      })
    },
    trainRewardModel(name: string, settings: RewardInput) {
      const { model, data } = settings
      return train(name, {
        begin: (out) => reward(ofItsModel(settings), { ...heard(name, watch.reward?.()), out, ...OWN_DATA }),
        resume: (directory) =>
          resumeReward(directory, { ...heard(name, watch.reward?.()), model, data, ...OWN_DATA }),
      })
    },
  }
}

interface StageInput {
  readonly model?: string | undefined
  /** Only of reinforcement learning. */
  readonly template?: PromptTemplate | undefined
  readonly chat?: DeepPartial<TemplateSettings> | undefined
}

/** The settings of a stage, with those of the chat template's arguments that its model has. */
const ofItsModel = <S extends StageInput>(settings: S): S => {
  const { model, template, chat } = settings
  if (model === undefined || chat?.arguments === undefined) return settings
  return { ...settings, chat: { ...chat, arguments: argumentsOf(model, chat.arguments, template) } }
}

/** Makes step 4's preferences, and files of them: what the two reward models learn from, and the policy's answers. */
async function preferences(run: R1Run, policy: string) {
  const files = {
    pairs: run.dataFile('helpful'),
    labels: run.dataFile('harmless'),
    answers: run.dataFile('step-3-answers'),
  }
  await run.parts.make('preference-data', async () => {
    const { pairs, labels, answers, counts } = await preferenceData(run.context, {
      policy,
      settings: run.settings.preferences,
    })
    writeJsonLines(
      files.pairs,
      pairs.map(({ question, ...pair }) => ({ prompt: question.prompt, ...pair })),
    )
    writeJsonLines(
      files.labels,
      labels.map(({ question, response, safe }) => ({ prompt: question.prompt, response, label: safe })),
    )
    writeJsonLines(
      files.answers,
      answers.map(({ prompt, answer }) => ({ prompt, completion: answer })),
    )
    run.onData(
      `preferences: ${pairs.length} of ${plural(counts.pairs.judged, 'pair')} and ${labels.length} of ${plural(counts.labels.judged, 'labelled response')} kept`,
    )
    return counts
  })
  return files
}

/** Runs `work` with step 4's task and rewards; opens both reward models and closes them afterwards. */
async function withScenarios<T>(
  { settings, context, table }: R1Run,
  models: {
    readonly policy: string
    readonly helpful: string
    readonly harmless: string
    /** File of the answers of step 3's model: an answer is helpful as far as it is better than these. */
    readonly answers: string
  },
  work: (scenarios: ZeroOwn) => Promise<T>,
): Promise<T> {
  const { reasoning, general, threads } = context
  const { generalFrom, generalShare, neuralOnReasoning, ...weights } = settings.rl2
  const { steps, rewards } = stagesOf(settings).rl2
  const task = allScenarios(reasoning, general, {
    from: 1 + Math.floor(steps * generalFrom),
    share: generalShare,
  })
  const reference = await readAnswers(models.answers, context)
  const helpful = await openPreference(models.helpful, {
    name: 'helpful',
    part: 'summary',
    threads,
    chat: settings.chat,
    reference,
  })
  try {
    const harmless = await openPreference(models.harmless, {
      name: 'harmless',
      part: 'response',
      threads,
      chat: settings.chat,
    })
    try {
      return await work({
        task,
        rewards: scenarioRewards(
          task,
          { helpful, harmless },
          {
            accuracy: rewards.accuracy ?? 0,
            format: rewards.format ?? 0,
            language: rewards.language ?? 0,
            helpful: weights.helpful,
            harmless: weights.harmless,
          },
          { neuralOnReasoning },
        ),
        alsoMeasure: table.winRateAgainstLast(
          Renderer.load(models.policy, { ...settings, template: 'chat' }),
        ),
      })
    } finally {
      await harmless.close()
    }
  } finally {
    await helpful.close()
  }
}

/** The prompts and answers in a file. */
async function readAnswers(
  file: string,
  { warn, progress }: Pick<R1Run['context'], 'warn' | 'progress'>,
): Promise<Answered[]> {
  const { training } = await readDemonstrations(file, { heldOutShare: 0, warn, progress })
  return training.flatMap(({ demonstration }) =>
    'prompt' in demonstration ? [{ prompt: demonstration.prompt, answer: demonstration.completion }] : [],
  )
}

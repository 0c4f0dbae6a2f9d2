import { z } from 'zod'
import { UserError } from '../common/errors.ts'
import { EMBEDDED_R1_BASE, EMBEDDED_STUDENT } from '../hub/find-model.ts'
import {
  chatSettings,
  engineSetting,
  heldOutShareSetting,
  loraSetting,
  modelSetting,
  temperatureSetting,
  threadsSetting,
  whole,
  withThreads,
} from './fields.ts'
import { generatorSettings } from './generators.ts'
import { checkSettings, merge, type Tree } from './layers.ts'
import { type Idle, idleIfGreedy, refuseIdle } from './no-effect.ts'
import { type RewardInput, type RewardSettings, resolveRewardSettings } from './reward.ts'
import { resolveSftSettings, type SftInput, type SftSettings } from './sft.ts'
import { checkOneModel, remoteStages, remoteTrainee, tinkerSetting } from './tinker.ts'
import { resolveZeroSettings, type ZeroSettings } from './zero.ts'

const share = z.number().min(0).max(1)
/** Settings of a stage that is its own recipe (`zero`, `sft`, `reward`), merged over the preset's. */
const stage = z.record(z.string(), z.unknown()).default({})

/** Limits of a readable response: see `ReadableLimits`. */
export const readableSettings = z.strictObject({
  maxTokens: whole(1),
  maxParagraph: whole(1),
  maxRepetition: share,
  minLanguage: share,
})

/** How the model of every stage is measured. */
export const evalSettings = z.strictObject({
  /** Of tables, and of the data that stages learn from. */
  share: heldOutShareSetting,
  questions: whole(1),
  samples: whole(1),
  /** Number of general prompts. */
  general: whole(1),
  temperature: temperatureSetting,
  topP: z.number().gt(0).max(1),
  maxTokens: whole(1),
  /** Kinds of questions whose response lengths are compared. */
  easy: z.array(z.string()),
  hard: z.array(z.string()),
})

/** Settings of `r1`. What a preset decides is filled in by `resolveR1Settings`. */
export const r1Settings = z.strictObject({
  /** The base model. */
  model: modelSetting.default(EMBEDDED_R1_BASE),
  /** Task of the reasoning questions, which rules can check. */
  task: z.string().min(1).default('miniature'),
  /** Task of the general prompts. Prompts whose kind starts with "harmful" should be refused. */
  general: z.string().min(1).default('miniature/general'),
  /**
   * Existing fine-tuning data for general prompts, a file of conversations; null: the general task's own demonstrations.
   */
  generalData: z.string().min(1).nullable().default(null),
  /** Rewrites chains and adds summaries (step 1). */
  writer: generatorSettings.default('miniature'),
  /**
   * Compares answers with the gold answer and with each other, and labels responses as safe or unsafe (steps 3 and 4,
   * the win rates).
   */
  judge: generatorSettings.default('miniature'),
  /** Arguments and date of the models' chat templates. */
  chat: chatSettings,
  engine: engineSetting,
  tinker: tinkerSetting,
  /** In every stage that trains. Each starts from the merged model of the stage before. */
  lora: loraSetting,
  seed: whole(0).default(0),
  preset: z.enum(['miniature', 'quick', 'deepseek-r1']).default('miniature'),
  threads: threadsSetting,
  readable: readableSettings,
  /** R1-Zero, one of the sources of the cold start. */
  zero: stage,
  coldStart: z.strictObject({
    /** A file of conversations with long chains, for the few-shot prompts; null: the task's own worked example. */
    examples: z.string().min(1).nullable(),
    /** Demonstrations from all sources together; 0: no cold start, and step 2 starts from the base. */
    rows: whole(0),
    /** Shares of the paper's three sources. */
    fewShot: share,
    direct: share,
    zero: share,
    /** Share of the written solutions of the task's own questions, for a base that is too weak to write chains. */
    solutions: share,
    /** Questions per round, and maximum rounds per source. */
    batch: whole(1),
    rounds: whole(1),
    /** R1-Zero's responses per question, and how many rows per question are kept from any source at most. */
    samples: whole(1),
    perQuestion: whole(1),
    sft: stage,
  }),
  /** Step 2. */
  rl1: stage,
  mixture: z.strictObject({
    /** Number of questions that step 2's model answers. */
    questions: whole(1),
    /** Responses per question, and how many of them are kept at most. */
    samples: whole(1),
    perQuestion: whole(1),
    /** General prompts with an existing answer, and general prompts that a fine-tuned base answers. */
    reused: whole(0),
    synthetic: whole(0),
    /** Reasoning rows per general row. */
    ratio: z.number().positive(),
    sft: stage,
  }),
  preferences: z.strictObject({
    /** Number of prompts that step 3's model answers. */
    prompts: whole(1),
    /** Responses per prompt. */
    samples: whole(2),
    pairsPerPrompt: whole(1),
    /** How often the judge compares one pair; in half of them the answers are swapped. */
    times: whole(2).multipleOf(2),
    /** Pairs with a |Δ| above this are kept. */
    minMargin: z.number().min(0),
    helpful: stage,
    harmless: stage,
  }),
  rl2: z.strictObject({
    /** Share of steps, at the beginning, with reasoning questions only; later steps also have general prompts. */
    generalFrom: share,
    /** Share of general prompts among the questions of these later steps. */
    generalShare: share,
    /** Weights of the two preference rewards. */
    helpful: z.number(),
    harmless: z.number(),
    /** Score reasoning with the helpful reward instead of rules: this invites reward hacking. */
    neuralOnReasoning: z.boolean().default(false),
    zero: stage,
  }),
  student: z.strictObject({
    /** null: no student. */
    model: modelSetting.nullable().default(EMBEDDED_STUDENT),
    /** Distillation: fine-tuning on the data of step 3. */
    sft: stage,
    /** RL on the same student from its base, for comparison. */
    zero: stage,
  }),
  eval: evalSettings,
})

type Settings = z.output<typeof r1Settings>
/** Settings of `r1`, checked and complete. */
export type R1Settings = Settings & { readonly threads: number }

const miniature = {
  readable: { maxTokens: 220, maxParagraph: 120, maxRepetition: 0.1, minLanguage: 0.98 },
  zero: { preset: 'miniature', steps: 120 },
  coldStart: {
    examples: null,
    rows: 800,
    fewShot: 0.1,
    direct: 0.2,
    zero: 0.7,
    solutions: 0,
    batch: 150,
    rounds: 10,
    samples: 4,
    perQuestion: 2,
    sft: { epochs: 4, batchSize: 8, learningRate: 1.5e-3 },
  },
  rl1: { preset: 'miniature-r1', steps: 80 },
  mixture: {
    questions: 2000,
    samples: 4,
    perQuestion: 3,
    reused: 1600,
    synthetic: 400,
    ratio: 3,
    sft: { epochs: 3, batchSize: 16, learningRate: 3e-3 },
  },
  preferences: {
    prompts: 3000,
    samples: 6,
    pairsPerPrompt: 4,
    times: 4,
    minMargin: 1,
    helpful: { epochs: 2, learningRate: 1.5e-3 },
    harmless: { epochs: 6, learningRate: 1.5e-3 },
  },
  rl2: {
    generalFrom: 0.5,
    generalShare: 0.6,
    helpful: 1,
    harmless: 1,
    zero: {
      preset: 'miniature-r1',
      steps: 80,
      rl: {
        questionsPerStep: 40,
        temperature: 0.7,
        learningRate: 3e-4,
        // if all answers of a group are good, dividing by the spread would amplify the reward model's noise
        advantage: 'mean',
        // such a small reward model is reliable only near the answers that it was trained on
        objective: { kl: { beta: 0.1 } },
      },
      eval: { questions: 100 },
    },
  },
  student: {
    sft: { epochs: 3, batchSize: 16, learningRate: 3e-3 },
    zero: { preset: 'miniature', steps: 120 },
  },
  eval: {
    questions: 240,
    samples: 4,
    general: 200,
    temperature: 0.6,
    topP: 0.95,
    maxTokens: 260,
    easy: ['arithmetic/2', 'fill/1'],
    hard: ['arithmetic/4', 'fill/3'],
  },
}

/** The scale. `deepseek-r1` has the paper's numbers (Nature 645, Methods), as far as it states them. */
const PRESETS: Record<Settings['preset'], Tree> = {
  miniature,
  quick: merge(miniature, {
    zero: { steps: 50 },
    coldStart: { rows: 400, rounds: 6 },
    rl1: { steps: 40 },
    mixture: { questions: 1000, reused: 800, synthetic: 200 },
    preferences: { prompts: 1500 },
    rl2: { zero: { steps: 60 } },
    student: { zero: { steps: 50 } },
    eval: { questions: 120, general: 100 },
  }),
  // the settings of its training stages come from the paper only, not from the miniature
  'deepseek-r1': {
    ...miniature,
    readable: { maxTokens: 32_768, maxParagraph: 2000, maxRepetition: 0.1, minLanguage: 0.95 },
    zero: { preset: 'r1-zero', steps: 650 },
    coldStart: {
      ...miniature.coldStart,
      rows: 5000,
      batch: 512,
      rounds: 20,
      sft: { preset: 'deepseek-r1', batchSize: 128, learningRate: 5e-5, epochs: 2 },
    },
    rl1: { preset: 'deepseek-r1', steps: 650 },
    mixture: {
      ...miniature.mixture,
      questions: 200_000,
      samples: 8,
      perQuestion: 3,
      reused: 150_000,
      synthetic: 50_000,
      sft: { preset: 'deepseek-r1', batchSize: 128, learningRate: 5e-5, epochs: 2 },
    },
    preferences: {
      ...miniature.preferences,
      prompts: 66_000,
      samples: 4,
      pairsPerPrompt: 1,
      helpful: { preset: 'deepseek-r1', epochs: 1 },
      harmless: { preset: 'deepseek-r1', epochs: 1 },
    },
    rl2: {
      ...miniature.rl2,
      generalFrom: 1300 / 1700,
      zero: { preset: 'deepseek-r1-general', steps: 106, rl: { questionsPerStep: 512 } },
    },
    student: {
      ...miniature.student,
      sft: { preset: 'deepseek-r1', batchSize: 64, learningRate: 1e-4, epochs: 2 },
      zero: { preset: 'r1-zero', steps: 650 },
    },
    eval: { ...miniature.eval, maxTokens: 32_768, samples: 16, easy: [], hard: [] },
  },
}

/**
 * Merges settings over their preset, and checks them and the settings of every stage.
 *
 * @throws UserError for a setting that is unknown or wrong.
 */
export function resolveR1Settings(asked: Tree): R1Settings {
  const given = remoteTrainee(asked)
  const { preset } = checkSettings(
    r1Settings.pick({ preset: true }),
    given.preset === undefined ? {} : { preset: given.preset },
  )
  const { preferences, ...policies } = PRESETS[preset]
  const usual: Tree = { ...remoteStages(given, policies), preferences }
  const settings = checkSettings(r1Settings, merge(usual, given))
  const { rows, fewShot, direct, zero, solutions } = settings.coldStart
  if (rows > 0 && fewShot + direct + zero + solutions === 0)
    throw new UserError(
      'the cold start has no source: set coldStart.fewShot, coldStart.direct, coldStart.zero or coldStart.solutions above 0, or coldStart.rows=0',
      2,
    )
  refuseIdle(settings, usual, [...idleIfGreedy('eval', settings.eval), ...otherRewards(settings)])
  if (settings.student.model !== null) checkOneModel(settings.tinker, 'the student')
  const complete = withThreads(settings)
  stagesOf(complete)
  return complete
}

/** Rewards that the second reinforcement learning does not have: see `scenarioRewards`. */
function otherRewards({ rl2 }: Settings): Idle[] {
  const used = ['accuracy', 'format', 'language', 'shuffle']
  const given = Object.keys((rl2.zero.rewards ?? {}) as Tree)
  return given
    .filter((name) => !used.includes(name))
    .map((name) => ({
      setting: `rl2.zero.rewards.${name}`,
      where: 'in the last stage, whose rewards are accuracy, format, language, rl2.helpful and rl2.harmless',
      instead: `set rl1.rewards.${name}`,
    }))
}

/**
 * The complete settings of the stages for `zero`, `sft` and `reward`. Models and data are placeholders: they are known
 * only during the run.
 */
interface StageSettings {
  readonly zero: ZeroSettings
  readonly coldStart: SftSettings
  readonly rl1: ZeroSettings
  readonly mixture: SftSettings
  readonly helpful: RewardSettings
  readonly harmless: RewardSettings
  readonly rl2: ZeroSettings
  readonly distill: SftSettings
  readonly studentZero: ZeroSettings
}

/** The complete settings of the stages. */
export function stagesOf(settings: R1Settings): StageSettings {
  const { zero, sft, reward } = stageResolvers(settings, { model: 'model', data: null })
  const student = stageResolvers(settings, { model: 'student.model', data: null })
  return {
    zero: zero('zero', settings.zero),
    coldStart: sft('coldStart.sft', settings.coldStart.sft),
    rl1: zero('rl1', settings.rl1, { template: 'chat' }),
    mixture: sft('mixture.sft', settings.mixture.sft),
    helpful: reward('preferences.helpful', settings.preferences.helpful),
    harmless: reward('preferences.harmless', settings.preferences.harmless),
    rl2: zero('rl2.zero', settings.rl2.zero, { template: 'chat', eval: { every: 10 } }),
    distill: student.sft('student.sft', settings.student.sft),
    studentZero: student.zero('student.zero', settings.student.zero),
  }
}

/** Where the learning rate of each stage is among the settings of the run. */
const RATES: Readonly<Record<keyof StageSettings, string>> = {
  zero: 'zero.rl.learningRate',
  coldStart: 'coldStart.sft.learningRate',
  rl1: 'rl1.rl.learningRate',
  mixture: 'mixture.sft.learningRate',
  helpful: 'preferences.helpful.learningRate',
  harmless: 'preferences.harmless.learningRate',
  rl2: 'rl2.zero.rl.learningRate',
  distill: 'student.sft.learningRate',
  studentZero: 'student.zero.rl.learningRate',
}

/** The learning rates that are the preset's: the paths of these settings. */
export function usualRates(settings: R1Settings): string[] {
  const { preset, student, coldStart } = settings
  const usual = stagesOf(resolveR1Settings({ preset }))
  return sameRates(stagesOf(settings), usual, RATES).filter(
    (path) =>
      (student.model !== null || !path.startsWith('student')) &&
      (coldStart.rows > 0 || !path.startsWith('coldStart')),
  )
}

type Stage = ZeroSettings | SftSettings | RewardSettings
const rateOf = (stage: Stage): number => ('rl' in stage ? stage.rl : stage).learningRate

/** The paths of the learning rates that are equal in two runs, in stages that train adapters. */
export const sameRates = <Name extends string>(
  stages: Readonly<Record<Name, Stage>>,
  others: Readonly<Record<Name, Stage>>,
  paths: Readonly<Record<Name, string>>,
): string[] =>
  (Object.keys(paths) as Name[])
    .filter((name) => stages[name].lora !== null && rateOf(stages[name]) === rateOf(others[name]))
    .map((name) => paths[name])

/** The settings of the run from which its stages get their model and their data; null: no setting decides it. */
interface StageSources {
  readonly model: string
  readonly data: string | null
}

/**
 * Functions that complete and check the settings of a stage. Their errors contain the whole path of a setting in the
 * run. A stage cannot set what the run decides for all of its stages.
 */
export function stageResolvers(
  {
    seed,
    threads,
    task,
    engine,
    tinker,
    lora,
    chat,
    eval: { share },
  }: Pick<R1Settings, 'seed' | 'threads' | 'task' | 'engine' | 'tinker' | 'lora' | 'chat' | 'eval'>,
  { model, data }: StageSources,
) {
  const common = { seed, threads, engine, tinker, lora, chat, eval: { share } }
  // no server trains reward models: with a server, all their weights are trained on this machine
  const here = engine === 'local' ? common : { ...common, engine: 'local', tinker: null, lora: null }
  const decided = {
    seed: 'seed',
    threads: 'threads',
    engine: 'engine',
    tinker: 'tinker',
    lora: 'lora',
    chat: 'chat',
    model,
  }
  const named = <T>(name: string, resolve: () => T): T => {
    try {
      return resolve()
    } catch (error) {
      if (error instanceof Error)
        error.message = error.message.replace(
          /^(?:unknown )?setting |did you mean (?!")|\bset (?=[a-z]\w*\.)/g,
          `$&${name}.`,
        )
      throw error
    }
  }
  return {
    zero: (name: string, tree: Tree, defaults: Tree = {}): ZeroSettings => {
      refuseDecided(name, tree, { ...decided, task: 'task' })
      return named(name, () =>
        resolveZeroSettings(merge({ eval: { every: 0 } }, defaults, tree, { ...common, task })),
      )
    },
    sft: (name: string, tree: Tree): SftSettings => {
      refuseDecided(name, tree, { ...decided, data, task: null })
      return named(name, () => resolveSftSettings(merge(tree, { ...common, data: 'data' }) as SftInput))
    },
    reward: (name: string, tree: Tree): RewardSettings => {
      refuseDecided(name, tree, { ...decided, data })
      return named(name, () => resolveRewardSettings(merge(tree, { ...here, data: 'data' }) as RewardInput))
    },
  }
}

/**
 * @param decided what the run decides, by its name in a stage: the setting of the run that decides it, or null
 * @throws UserError if the settings of a stage contain one of these
 */
function refuseDecided(stage: string, tree: Tree, decided: Readonly<Record<string, string | null>>): void {
  for (const [key, setting] of Object.entries(decided)) {
    if (tree[key] === undefined) continue
    const instead = setting === null ? 'leave it out' : `set ${setting} instead`
    throw new UserError(`setting ${stage}.${key} is set by the run: ${instead}`, 2)
  }
  if ((tree.eval as Tree | undefined)?.share !== undefined)
    throw new UserError(`setting ${stage}.eval.share is set by the run: set eval.share instead`, 2)
}

import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { EMBEDDED_R1_BASE, EMBEDDED_STUDENT } from '../hub/find-model.ts'
import { type RewardSettings, resolveRewardSettings } from '../recipes/reward.ts'
import { resolveSftSettings, type SftSettings } from '../recipes/sft.ts'
import { resolveZeroSettings } from '../recipes/zero.ts'
import { generatorSettings } from './generators.ts'
import { checkSettings, merge, type Tree } from './layers.ts'
import type { ZeroSettings } from './zero.ts'

const whole = (least: number) => z.int().min(least)
const share = z.number().min(0).max(1)
/** Settings of a stage that stands alone too (`zero`, `sft`, `reward`), on top of what the preset says. */
const stage = z.record(z.string(), z.unknown()).default({})

/** What a response must keep to, to be trained on and to count as readable. */
export const readableSettings = z.strictObject({
  maxTokens: whole(1),
  maxParagraph: whole(1),
  maxRepetition: share,
  minLanguage: share,
})

/** How the models of all stages are measured. */
export const evalSettings = z.strictObject({
  questions: whole(1),
  samples: whole(1),
  /** Of the general task. */
  general: whole(1),
  temperature: z.number().min(0),
  topP: z.number().gt(0).max(1),
  maxTokens: whole(1),
  /** Kinds whose lengths are compared. */
  easy: z.array(z.string()),
  hard: z.array(z.string()),
})

/** Settings of `r1`. What a preset decides is filled in by `resolveR1Settings`. */
export const r1Settings = z.strictObject({
  /** The base model. */
  model: z.string().min(1).default(EMBEDDED_R1_BASE),
  /** Reasoning questions, which rules can check. */
  task: z.string().min(1).default('miniature'),
  /** General prompts. Those whose kind begins with "harmful" are to be refused. */
  general: z.string().min(1).default('miniature/general'),
  /** Fine-tuning data for general prompts that are there already: a file of conversations; null: the miniature's own. */
  generalData: z.string().min(1).nullable().default(null),
  /** Rewrites chains and adds summaries (step 1). */
  writer: generatorSettings.default('miniature'),
  /** Compares answers with the truth and with each other, and labels what is safe (steps 3 and 4, the win rates). */
  judge: generatorSettings.default('miniature'),
  engine: z.literal('local').default('local'),
  seed: whole(0).default(0),
  preset: z.enum(['miniature', 'quick', 'deepseek-r1']).default('miniature'),
  threads: whole(1).nullable().default(null),
  readable: readableSettings,
  /** R1-Zero, one of the sources of the cold start. */
  zero: stage,
  coldStart: z.strictObject({
    /** Conversations with long chains that the few-shot prompts show; null: the miniature's own. */
    examples: z.string().min(1).nullable(),
    /** Demonstrations in all; 0: no cold start, so that RL 1 begins with the base. */
    rows: whole(0),
    /** Shares of the sources. */
    fewShot: share,
    direct: share,
    zero: share,
    /** Questions a round, and most rounds a source. */
    batch: whole(1),
    rounds: whole(1),
    /** Responses a question, and most that are kept. */
    samples: whole(1),
    perQuestion: whole(1),
    sft: stage,
  }),
  /** Step 2. */
  rl1: stage,
  mixture: z.strictObject({
    /** Questions that RL 1's model answers, so many times each; most that are kept of a question. */
    questions: whole(1),
    samples: whole(1),
    perQuestion: whole(1),
    /** General prompts with an answer from data that is there, and with one that the model itself gives. */
    reused: whole(0),
    synthetic: whole(0),
    /** Reasoning rows to a general one. */
    ratio: z.number().positive(),
    sft: stage,
  }),
  preferences: z.strictObject({
    /** Prompts that step 3's model answers, so many times each. */
    prompts: whole(1),
    samples: whole(2),
    pairsPerPrompt: whole(1),
    /** How often the judge is asked for one pair. */
    times: whole(2).multipleOf(2),
    /** Pairs of a greater Δ are kept. */
    minMargin: z.number().min(0),
    helpful: stage,
    harmless: stage,
  }),
  rl2: z.strictObject({
    /** Part of the steps after which general prompts and preference rewards come in. */
    generalFrom: share,
    /** Of the questions of such a step. */
    generalShare: share,
    helpful: z.number(),
    harmless: z.number(),
    /** The helpful reward judges reasoning too, in the place of rules: an invitation to hack it. */
    neuralOnReasoning: z.boolean().default(false),
    zero: stage,
  }),
  student: z.strictObject({
    model: z.string().min(1).default(EMBEDDED_STUDENT),
    /** Distillation, on the data of step 3. */
    sft: stage,
    /** RL on the same student from its base, to compare. */
    zero: stage,
  }),
  eval: evalSettings,
})

type Settings = z.output<typeof r1Settings>
/** Settings of `r1`, those of its stages included. */
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
        // divided by its spread, a group of answers that are all good would be torn by the reward model's noise
        advantage: 'mean',
        // a reward model this small is right only near the answers that it has learned from
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

/** The scale. `deepseek-r1` has the paper's numbers (Nature 645, Methods) where there are such. */
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
  // the stages' own settings are the paper's alone
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

/** Given settings on top of what their preset says, checked: those of every stage too, before anything is done. */
export function resolveR1Settings(given: Tree): R1Settings {
  const { preset } = checkSettings(
    r1Settings.pick({ preset: true }),
    given.preset === undefined ? {} : { preset: given.preset },
  )
  const settings = checkSettings(r1Settings, merge(PRESETS[preset], given))
  const fixed = { ...settings, threads: settings.threads ?? Math.min(availableParallelism(), 8) }
  stagesOf(fixed)
  return fixed
}

/** Settings of the stages as `zero`, `sft` and `reward` take them, but for models and data, which come on the way. */
export interface StageSettings {
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

export function stagesOf(settings: R1Settings): StageSettings {
  const { zero, sft, reward } = stageResolvers(settings)
  return {
    zero: zero('zero', settings.zero),
    coldStart: sft('coldStart.sft', settings.coldStart.sft),
    rl1: zero('rl1', settings.rl1, { template: 'chat' }),
    mixture: sft('mixture.sft', settings.mixture.sft),
    helpful: reward('preferences.helpful', settings.preferences.helpful),
    harmless: reward('preferences.harmless', settings.preferences.harmless),
    rl2: zero('rl2.zero', settings.rl2.zero, { template: 'chat', eval: { every: 10 } }),
    distill: sft('student.sft', settings.student.sft),
    studentZero: zero('student.zero', settings.student.zero),
  }
}

/** Fill in and check the settings of a stage; what is wrong is told with the stage's place among the run's settings. */
export function stageResolvers({
  seed,
  threads,
  task,
  engine,
}: Pick<R1Settings, 'seed' | 'threads' | 'task' | 'engine'>) {
  const common = { seed, threads, engine }
  const named = <T>(name: string, resolve: () => T): T => {
    try {
      return resolve()
    } catch (error) {
      if (error instanceof Error)
        error.message = error.message.replace(/^(?:unknown )?setting |did you mean /g, `$&${name}.`)
      throw error
    }
  }
  return {
    zero: (name: string, tree: Tree, own: Tree = {}): ZeroSettings =>
      named(name, () => resolveZeroSettings(merge({ eval: { every: 0 } }, own, tree, { ...common, task }))),
    sft: (name: string, tree: Tree): SftSettings =>
      named(name, () =>
        resolveSftSettings({ ...tree, ...common, data: 'data' } as Parameters<typeof resolveSftSettings>[0]),
      ),
    reward: (name: string, tree: Tree): RewardSettings =>
      named(name, () =>
        resolveRewardSettings({ ...tree, ...common, data: 'data' } as Parameters<
          typeof resolveRewardSettings
        >[0]),
      ),
  }
}

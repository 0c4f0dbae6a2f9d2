import { z } from 'zod'
import { UserError } from '../common/errors.ts'
import { EMBEDDED_BASE } from '../hub/find-model.ts'
import {
  betasSetting,
  chatSettings,
  checkpointSecondsSetting,
  columnSettings,
  type DeepPartial,
  engineSetting,
  heldOutShareSetting,
  loraSetting,
  modelSetting,
  scheduleSettings,
  templateSetting,
  threadsSetting,
  whole,
  withThreads,
} from './fields.ts'
import { checkSettings, merge, type Tree } from './layers.ts'
import { type Idle, refuseIdle } from './no-effect.ts'
import { remoteRate, remoteTrainee, tinkerSetting } from './tinker.ts'

const column = z.string().min(1).optional()

/**
 * The scale. `deepseek-r1` is step 3 of R1 (Nature 645, Methods): 2–3 epochs, cosine from 5e-5 to a tenth, batches of
 * 128, 32,768 tokens; the paper names no warm-up.
 */
export const SFT_PRESETS = {
  miniature: {
    epochs: 3,
    minSteps: 300,
    batchSize: 16,
    maxLength: 1024,
    learningRate: 1e-3,
    schedule: { kind: 'cosine', warmup: 5, final: 0.1 },
  },
  'deepseek-r1': {
    epochs: 2,
    minSteps: 0,
    batchSize: 128,
    maxLength: 32_768,
    learningRate: 5e-5,
    schedule: { kind: 'cosine', warmup: 0, final: 0.1 },
  },
} as const

/** Settings of `sft`. What a preset decides is filled in by `resolveSftSettings`. */
export const sftSettings = z.strictObject({
  model: modelSetting.default(EMBEDDED_BASE),
  /** Demonstrations: a file (JSONL, CSV, Parquet), a folder, or a dataset of the hub; null: those of `task`. */
  data: z.string().min(1).nullable().default(null),
  /** A task whose questions are answered with their gold answers: its name, or a table, as in `zero`. */
  task: z.string().min(1).nullable().default(null),
  /** Names of the columns: of demonstrations, if they are not `messages`, or `prompt` and `completion`; or of a task. */
  columns: z
    .strictObject({ messages: column, prompt: column, completion: column, ...columnSettings.shape })
    .prefault({}),
  /** The template that the questions of `task` are put in; demonstrations are learned as they are written. */
  template: templateSetting,
  /** Number of training questions of `task`; null: all of a table, 1,000 of a task that makes its questions. */
  questions: whole(1).nullable().default(null),
  /** Arguments and date of the chat template. */
  chat: chatSettings,
  engine: engineSetting,
  tinker: tinkerSetting,
  lora: loraSetting,
  seed: whole(0).default(0),
  preset: z.enum(Object.keys(SFT_PRESETS) as (keyof typeof SFT_PRESETS)[]).default('miniature'),
  epochs: whole(1),
  /** There are more epochs, with ten evaluations in all, if there would be fewer steps than this. */
  minSteps: whole(0),
  /** Sequences per step. */
  batchSize: whole(1),
  /** Longest sequence in tokens. Longer ones are left out and counted, never truncated. */
  maxLength: whole(2),
  learningRate: z.number().min(0),
  schedule: scheduleSettings,
  betas: betasSetting.default([0.9, 0.999]),
  weightDecay: z.number().min(0).default(0),
  gradClip: z.number().min(0).default(1),
  eval: z
    .strictObject({
      share: heldOutShareSetting,
      /** Steps between evaluations; null: once per epoch. */
      every: whole(1).nullable().default(null),
    })
    .prefault({}),
  checkpointEvery: whole(1).default(20),
  checkpointSeconds: checkpointSecondsSetting,
  threads: threadsSetting,
})
export type SftSettings = z.output<typeof sftSettings> & { readonly threads: number }

/** The columns of each source, by what they hold. */
const SOURCES = { data: ['messages', 'prompt', 'completion'], task: Object.keys(columnSettings.shape) }
type Source = keyof typeof SOURCES
/** Settings as they are given: any may be missing. */
export type SftInput = DeepPartial<z.input<typeof sftSettings>>

/**
 * Merges the given settings over their preset and checks them.
 *
 * @throws UserError for a setting that is unknown or not allowed.
 */
export function resolveSftSettings(asked: SftInput): SftSettings {
  const given = remoteTrainee(asked as Tree) as SftInput
  const { preset } = checkSettings(sftSettings.pick({ preset: true }), { preset: given.preset })
  const { minSteps, ...layer } = SFT_PRESETS[preset]
  // only a task of few questions gets more epochs, and only if no number of epochs is given
  const least = given.task != null && given.epochs === undefined ? minSteps : 0
  const settings = checkSettings(
    sftSettings,
    belowGiven({ ...remoteRate(given as Tree, layer), minSteps: least }, given),
  )
  const { data, task, columns } = settings
  if ((data === null) === (task === null))
    throw new UserError(
      data === null
        ? 'setting data is missing: give demonstrations (a file, a folder, or a dataset of the hub), or a task instead'
        : `give either data (${data}) or task (${task}), not both`,
      2,
    )
  const source: Source = data === null ? 'task' : 'data'
  const other = Object.entries(columns).find(
    ([role, name]) => name !== undefined && !SOURCES[source].includes(role),
  )
  if (other)
    throw new UserError(
      `unknown setting columns.${other[0]}; the columns of ${source === 'data' ? 'demonstrations' : 'a task'} are ${SOURCES[source].join(', ')}`,
      2,
    )
  if (data !== null) refuseIdle(settings, TASK_ALONE, OF_TASK)
  return withThreads(settings)
}

/** Settings that only a task has, as they are where none is given. */
const TASK_ALONE = {
  template: sftSettings.shape.template.parse(undefined),
  questions: sftSettings.shape.questions.parse(undefined),
}
const OF_TASK = Object.keys(TASK_ALONE).map(
  (setting): Idle => ({
    setting,
    where: 'on demonstrations, which are learned as they are written',
    instead: 'give a task in the place of data',
  }),
)

/**
 * Layers of settings, later ones overriding earlier ones, with one source of examples: that of the last layer that names
 * data or a task. The other source, and its columns, are left out of earlier layers. What only a task has is left out of them too,
 * and of layers that other commands read as well.
 *
 * @param shared the number of first layers that other commands read, too
 */
export function withOneSource(layers: readonly Tree[], shared = 0): Tree[] {
  const last = layers.findLastIndex(({ data, task }) => data != null || task != null)
  if (last < 0) return [...layers]
  const source: Source = layers[last]!.data != null ? 'data' : 'task'
  const other: Source = source === 'data' ? 'task' : 'data'
  return layers.map((layer, i) => {
    const own = source === 'data' && (i < last || i < shared) ? withoutTaskAlone(layer) : layer
    if (i >= last) return own
    const { [other]: _, columns, ...rest } = own
    const kept = Object.entries((columns ?? {}) as Tree).filter(([role]) => SOURCES[source].includes(role))
    return { ...rest, columns: Object.fromEntries(kept) }
  })
}

const withoutTaskAlone = (layer: Tree): Tree =>
  Object.fromEntries(Object.entries(layer).filter(([name]) => !Object.hasOwn(TASK_ALONE, name)))

/**
 * Merges given settings over a preset. If the given schedule is of another kind, only the warm-up of the preset's is
 * kept.
 */
export function belowGiven(
  { schedule, ...layer }: { schedule: { kind: string; warmup: number } } & Tree,
  given: { schedule?: { kind?: string | undefined } | undefined },
): Tree {
  const kind = given.schedule?.kind
  const below = kind === undefined || kind === schedule.kind ? schedule : { warmup: schedule.warmup }
  return merge({ ...layer, schedule: below }, given as Tree)
}

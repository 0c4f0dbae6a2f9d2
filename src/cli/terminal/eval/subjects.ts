import { isAbsolute } from 'node:path'
import { UserError } from '../../../common/errors.ts'
import { pathFromHere } from '../../../common/files/paths.ts'
import { runCurve } from '../../../evaluation/checkpoints.ts'
import type { Subject } from '../../../evaluation/evaluate.ts'
import type { RecordedPoint, TrainingPoint } from '../../../evaluation/results.ts'
import { EMBEDDED_BASE, modelFolder } from '../../../hub/find-model.ts'
import { checkProvider, openModel, readModelName } from '../../../providers/open-model.ts'
import { Renderer } from '../../../renderer/renderer.ts'
import { merge, type Tree } from '../../../settings/layers.ts'
import { askedInRun, leastHeldOut } from '../../../settings/of-run.ts'
import { resolveZeroSettings, type ZeroSettings } from '../../../settings/zero.ts'
import { type Asked, askedIn, promptFit } from '../../../stages/sample/fit.ts'
import { fittingTask } from '../../../tasks/fit.ts'
import { loadTask } from '../../../tasks/index.ts'
import { sayLanguagePart } from '../language-part.ts'
import { modelName } from '../next.ts'
import type { Output } from '../output.ts'

/** What is asked for: models, and settings as those of `zero`, which asks held-out questions in the same way. */
export interface SubjectOptions {
  /** Undefined: the model of the settings. */
  readonly models: readonly string[] | undefined
  readonly tasks: readonly string[] | undefined
  /** Runs whose checkpoints are asked. */
  readonly runs: readonly string[]
  /** Settings of the file, in layers. */
  readonly layers: readonly Tree[]
  /** Settings of options. */
  readonly given: Tree
}

/** A model before its task is loaded. */
interface Named {
  readonly name: string
  /** null: behind an API. */
  readonly folder: string | null
  readonly training: TrainingPoint | null
  readonly settings: ZeroSettings
  /** Is the template part of the settings, rather than the model's own? */
  readonly template: ZeroSettings['template'] | undefined
}

/** The models with their questions, and how they are opened; the settings of the first. */
export async function subjectsOf(
  options: SubjectOptions,
  output: Output,
): Promise<{ subjects: Subject[]; recorded: RecordedPoint[]; settings: ZeroSettings }> {
  const named: Named[] = []
  const { layers, given, tasks } = options
  for (const task of tasks ?? [undefined]) {
    const settings = task === undefined ? given : merge(given, { task })
    named.push(...(await namedModels(options, settings, output)))
  }
  const shares = unlearnedShares(named, merge(...layers, given), output)
  const subjects: Subject[] = []
  for (const [i, one] of named.entries()) {
    const settings = { ...one.settings, eval: { ...one.settings.eval, share: shares[i]! } }
    const same = named.filter((other) => other.settings.task === settings.task)
    subjects.push(await subjectOf({ ...one, settings }, { given, same, output }))
  }
  return { subjects, recorded: recordedPoints(options.runs, named), settings: named[0]!.settings }
}

async function namedModels(
  { models, runs, layers }: SubjectOptions,
  given: Tree,
  output: Output,
): Promise<Named[]> {
  const progress = (line: string): void => output.live(line)
  const named: Named[] = []
  const add = async (name: string, shown: string | null, training: TrainingPoint | null): Promise<void> => {
    const read = readModelName(name)
    const isLocal = read.kind === 'local'
    if (!isLocal) checkProvider(read.provider, {})
    const folder = isLocal
      ? await modelFolder(name, progress, { onCheckpoint: (line) => output.say(line) })
      : null
    if (folder !== null) sayLanguagePart(output, folder)
    const asked = layers.length > 0 || folder === null ? merge(...layers) : askedBefore(folder, given, output)
    const settings = resolveZeroSettings(merge(asked, given, { model: folder ?? name }))
    const isKnown = folder !== null && (layers.length > 0 || merge(asked, given).template !== undefined)
    if (folder !== null) checkTemplate(folder, settings, isKnown)
    named.push({
      name: shown ?? (isAbsolute(name) ? modelName(name) : name),
      folder,
      training,
      settings,
      // without settings, the template is the one that the model was trained with
      template: isKnown ? settings.template : undefined,
    })
  }
  const fromSettings = runs.length > 0 ? [] : [String(merge(...layers, given).model ?? EMBEDDED_BASE)]
  for (const name of models ?? fromSettings) await add(name, null, null)
  for (const run of runs)
    for (const { model, name, training } of runCurve(run).checkpoints) await add(model, name, training)
  return named
}

/** @throws UserError if the model cannot be asked in its template, or the template lacks an argument. */
function checkTemplate(folder: string, { template, chat }: ZeroSettings, isKnown: boolean): void {
  const renderer = Renderer.load(folder, { template: isKnown ? template : undefined, chat })
  renderer.checkArguments(chat.arguments)
}

const askedBeforeSaid = new WeakMap<Output, Set<string>>()

/** The settings with which the run that trained the model asked it, unless another task is given. */
function askedBefore(model: string, { task }: Tree, output: Output): Tree {
  const asked = askedInRun(model, task as string | undefined)
  if (asked === null) return {}
  const { run, settings } = asked
  const line = `asking the held-out questions of ${settings.task} as ${pathFromHere(run)} did`
  const said = askedBeforeSaid.get(output) ?? new Set()
  if (!said.has(line)) output.say(line)
  askedBeforeSaid.set(output, said.add(line))
  return settings
}

/**
 * Of each model, the share of its table that is asked: the one that the runs which trained it, or another model here, held
 * out, so that no model is asked what it has learned, and all are asked the same. A greater share that an option or a
 * settings file gives is kept, with a warning.
 */
function unlearnedShares(named: readonly Named[], given: Tree, output: Output): number[] {
  const isGiven = (given.eval as Tree | undefined)?.share !== undefined
  const tasks = new Map<string, number>()
  for (const { folder, settings } of named) {
    const { task } = settings
    const share = Math.min(settings.eval.share, tasks.get(task) ?? 1)
    const least = folder === null ? null : leastHeldOut(folder, task)
    tasks.set(task, share)
    if (least === null || least.share >= share) continue
    const held = `${pathFromHere(least.run)}, from which this model comes, held out only a share of ${least.share} of ${task}`
    if (isGiven)
      output.warn(
        `${held}: with ${settings.eval.share}, the model is also asked questions that it has learned; --held-out-share ${least.share} asks the others`,
      )
    else {
      output.say(`${held}: only those questions are asked`)
      tasks.set(task, least.share)
    }
  }
  return named.map(({ settings }) => tasks.get(settings.task)!)
}

async function subjectOf(
  { name, folder, training, settings, template }: Named,
  { given, same, output }: { readonly given: Tree; readonly same: readonly Named[]; readonly output: Output },
): Promise<Subject> {
  const { task: taskName, columns, chat, engine, threads, rl, eval: measured } = settings
  const warn = (message: string): void => output.warnOnce(message)
  const progress = (line: string): void => output.live(line)
  const loaded = await loadTask(taskName, { columns, heldOutShare: measured.share, warn, progress })
  // all models of a task are asked the same questions: those that each of them can be asked
  const asked = same.flatMap((one): Asked[] =>
    one.folder === null
      ? []
      : [
          askedIn(
            one.folder,
            Renderer.load(one.folder, { template: one.template, chat: one.settings.chat }),
            one.settings.rl.maxTokens,
          ),
        ],
  )
  const task = fittingTask(loaded, promptFit(asked), { training: 0, warn, progress })
  const questions = task.heldOut({ count: measured.questions })
  if (questions.length === 0)
    throw new UserError(`${taskName} has no held-out question; hold out more with --held-out-share`)
  return {
    name,
    task,
    taskName,
    questions,
    remote: folder === null,
    training,
    options: folder === null ? givenSampling(given) : { ...samplingOf(settings), maxTokens: rl.maxTokens },
    open: () =>
      openModel(folder ?? name, {
        template,
        chat,
        engine,
        threads,
        schedule: 'continuous',
        notice: (line) => output.live(line),
      }),
  }
}

const samplingOf = ({ eval: { temperature, topK, topP, minP } }: ZeroSettings) => ({
  temperature,
  topK,
  topP,
  minP,
})

/** What options ask of a provider; the rest is left to it. */
function givenSampling({ eval: measured, rl }: Tree) {
  const { temperature, topK, topP, minP } = measured as Record<string, number | undefined>
  return { temperature, topK, topP, minP, maxTokens: (rl as { maxTokens?: number }).maxTokens }
}

/** What the runs recorded while they trained, where they were trained on a task that is asked. */
function recordedPoints(runs: readonly string[], named: readonly Named[]): RecordedPoint[] {
  return runs.flatMap((run) => {
    const { task, recorded } = runCurve(run)
    const asked = named.some(({ settings }) => settings.task === task)
    return asked ? recorded.map((point) => ({ ...point, task: task! })) : []
  })
}

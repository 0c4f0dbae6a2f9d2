import type { Objective } from '../../algorithms/objectives.ts'
import { warner } from '../../common/warnings.ts'
import type { Engine, EngineSpec, Trainer } from '../../engines/contract.ts'
import { type EngineName, requireCapabilities, withEngine } from '../../engines/open.ts'
import type { LoraSettings } from '../../models/lora.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import { savingStopTokens } from '../../renderer/stop-tokens.ts'
import { baseOfRun, checkLora, openTrainer } from '../../runs/open-trainer.ts'
import { type Place, type Run, storedSettings, type Trained, withRun } from '../../runs/with-run.ts'
import type { EpochSettings } from './epochs.ts'
import { checkSameData, type Examples } from './examples.ts'

/** What a run that learns from a file of examples reports. */
export interface ExampleWatch<Settings, Data> {
  /** When aborted, the run stops after the current step, with a checkpoint, by throwing `Interrupted`. */
  readonly signal?: AbortSignal | undefined
  readonly onStart?: ((run: string, settings: Settings, data: Data) => void) | undefined
  /**
   * Receives warnings: rows that are left out, too little to learn from, a loss that did not fall. By default they go to
   * standard error.
   */
  readonly onWarning?: ((message: string) => void) | undefined
  /** Called with lines that say what is being done, such as downloads, evaluations and checkpoints. */
  readonly onProgress?: ((line: string) => void) | undefined
}

interface ExampleSettings extends Omit<EpochSettings, 'evalEvery'> {
  readonly model: string
  readonly lora: LoraSettings | null
  readonly engine: EngineName
  readonly threads: number
  /** Steps between evaluations; null: once per epoch. */
  readonly eval: { readonly every: number | null }
}

export interface Notices {
  readonly warn: (message: string) => void
  readonly progress: (line: string) => void
}

/** The folder of a new run (by default the next free one), or of a run to resume. */
export type Where = { readonly out?: string | undefined } | { readonly resume: string }

interface ExampleRun<Settings extends ExampleSettings, Example, Data, Outcome> {
  /** Name of the recipe. */
  readonly recipe: string
  readonly where: Where
  readonly settings: Settings
  /** Where the examples come from, for messages. */
  readonly source: string
  /** Reads the examples; `notices` receive what is left out, and what takes long. */
  readonly read: (notices: Notices) => Promise<Examples<Example>>
  /** The amount of data, for the result. */
  readonly describe: (examples: Examples<Example>) => Data
  readonly watch: ExampleWatch<Settings, Data>
  readonly objective: Objective
  readonly rewardHead?: EngineSpec['rewardHead']
  /** How the trained model is spoken to; null if it will not be sampled. */
  readonly renderer: Renderer | null
  /** Trains from the step after the run's last to the end. */
  readonly train: (job: {
    readonly run: Run
    readonly engine: Engine
    readonly trainer: Trainer
    readonly training: readonly Example[]
    readonly heldOut: readonly Example[]
    readonly settings: EpochSettings
  }) => Promise<Outcome>
}

/**
 * The settings of a run to resume: those that it began with, except that `model` and `data` say where they are now, if they have
 * been moved, and that adapters are trained on the run's own base model, if it has one.
 *
 * @throws UserError if the run is of another recipe.
 */
export function resumedSettings<Given, Settings extends { readonly model: string }>(
  directory: string,
  recipe: string,
  { model, data }: { readonly model?: string | undefined; readonly data?: string | null | undefined },
  resolve: (given: Given) => Settings,
): Settings {
  const { dataHash: _, ...stored } = storedSettings(directory, recipe)
  const moved = { ...(model === undefined ? {} : { model }), ...(data === undefined ? {} : { data }) }
  const settings = resolve({ ...stored, ...moved } as Given)
  return { ...settings, model: baseOfRun(directory, settings.model) }
}

/**
 * A run that learns from a file of examples. A run can only be resumed with the data that it began with.
 *
 * @throws UserError if the model cannot be opened, the engine cannot train on the objective, or the data has changed.
 */
export async function runOnExamples<Settings extends ExampleSettings, Example, Data, Outcome extends object>({
  recipe,
  where,
  settings,
  source,
  read,
  describe,
  watch,
  objective,
  rewardHead,
  renderer,
  train,
}: ExampleRun<Settings, Example, Data, Outcome>): Promise<
  { readonly seed: number; readonly data: Data } & Outcome & Trained
> {
  const examples = await read({
    warn: warner(watch.onWarning),
    progress: watch.onProgress ?? (() => {}),
  })
  const { training, heldOut } = examples
  const { seed } = settings
  const data = describe(examples)
  const stored = { ...settings, dataHash: examples.hash }
  const { model } = settings
  const place: Place = 'resume' in where ? where : { recipe, seed, settings: stored, out: where.out, model }
  if ('resume' in place)
    checkSameData(examples, storedSettings(place.resume, recipe).dataHash, {
      data: source,
      directory: place.resume,
    })
  checkLora(settings)
  watch.onProgress?.('opening the model')
  return withEngine({ ...settings, rewardHead }, (engine) => {
    requireCapabilities(engine.can, { objective, lora: settings.lora })
    return withRun(place, watch, async (run) => {
      run.progress('preparing the training')
      const opened = await openTrainer(run, engine, settings)
      const trainer = run.stoppable(engine, renderer ? savingStopTokens(opened, renderer) : opened)
      await run.restore((folder) => trainer.load(folder))
      watch.onStart?.(run.directory, settings, data)
      const epochs = { ...settings, evalEvery: settings.eval.every }
      const outcome = await train({ run, engine, trainer, training, heldOut, settings: epochs })
      return run.finish({ seed, data, ...outcome }, (folder) => trainer.save(folder))
    })
  })
}

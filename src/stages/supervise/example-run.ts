import type { Objective } from '../../algorithms/objectives.ts'
import { type Warn, warner } from '../../common/warnings.ts'
import type { EngineSpec } from '../../engines/contract.ts'
import { type EngineName, requireCapabilities, withEngine } from '../../engines/open.ts'
import { modelFolder } from '../../hub/find-model.ts'
import type { LoraSettings } from '../../models/lora.ts'
import type { TemplateSettings } from '../../renderer/chat-template.ts'
import { type PromptTemplate, Renderer } from '../../renderer/renderer.ts'
import { savingStopTokens } from '../../renderer/stop-tokens.ts'
import { baseOfRun, checkLora, openTrainer } from '../../runs/open-trainer.ts'
import { type Place, storedSettings, type Trained, withRun } from '../../runs/with-run.ts'
import type { Splitting } from '../../tasks/examples/examples.ts'
import type { EpochSettings, Epochs, ExampleTraining } from './epochs.ts'
import { checkMaxLength, checkSameData, type Examples } from './examples.ts'

/* Runs that learn from a file of examples: supervised fine-tuning, reward models, direct preference optimization. */

/** What a run reports: of its data, of its evaluations and of its steps. */
export interface ExampleWatch<Settings, Data, Evaluation, Step> {
  /** When aborted, the run stops after the current step, with a checkpoint, by throwing `Interrupted`. */
  readonly signal?: AbortSignal | undefined
  readonly onStart?: ((run: string, settings: Settings, data: Data) => void) | undefined
  readonly onBefore?: ((before: Evaluation, steps: number) => void) | undefined
  readonly onStep?: ((step: Step) => void) | undefined
  /**
   * Receives warnings: rows that are left out, too little to learn from, a loss that did not fall. By default they go to
   * standard error.
   */
  readonly onWarning?: Warn | undefined
  /** Called with lines that say what is being done, such as downloads, evaluations and checkpoints. */
  readonly onProgress?: ((line: string) => void) | undefined
}

/** The folder of a new run, by default the next free one. */
export interface Starting extends Splitting {
  readonly out?: string | undefined
}

/** Where the model and the data of a run to resume are now, if they have been moved. */
export interface Resuming extends Splitting {
  readonly model?: string | undefined
  readonly data?: string | null | undefined
}

export interface ExampleResult<Evaluation, Data> extends Trained, Epochs<Evaluation> {
  readonly seed: number
  readonly data: Data
}

interface ExampleSettings extends Omit<EpochSettings, 'evalEvery'> {
  readonly model: string
  readonly maxLength: number
  readonly chat: TemplateSettings
  readonly lora: LoraSettings | null
  readonly engine: EngineName
  readonly threads: number
  /** Steps between evaluations; null: once per epoch. */
  readonly eval: { readonly every: number | null }
}

export interface Reading extends Splitting {
  readonly renderer: Renderer
  /** Receives what is left out. */
  readonly warn: Warn
  /** Receives what takes long. */
  readonly progress: (line: string) => void
}

/** What a recipe adds to the run that all of them share. */
export interface ExampleRecipe<Given, Settings extends ExampleSettings, Example, Data, Evaluation, Step> {
  readonly name: string
  readonly resolve: (given: Given) => Settings
  /** Where the examples come from, for messages. */
  readonly sourceOf: (settings: Settings) => string
  /** The template that questions are put in; missing or undefined: the one that the model was trained with. */
  readonly templateOf?: (settings: Settings) => PromptTemplate | undefined
  readonly objectiveOf: (settings: Settings) => Objective
  /** The head of a reward model, which is scored and not sampled. */
  readonly rewardHeadOf?: (settings: Settings) => EngineSpec['rewardHead']
  /** Reads the examples. */
  readonly read: (settings: Settings, reading: Reading) => Promise<Examples<Example>>
  /** The amount of data, for the result. */
  readonly describe: (examples: Examples<Example>) => Data
  /** Trains from the step after the run's last to the end. */
  readonly train: (
    job: ExampleTraining<Example, Evaluation, Step>,
    settings: Settings,
  ) => Promise<Epochs<Evaluation>>
}

/**
 * Starts a run that learns from a file of examples.
 *
 * @throws UserError for settings, data or a model that cannot be used, before the run starts; `Interrupted`.
 */
export async function startOnExamples<
  Given,
  Settings extends ExampleSettings,
  Example,
  Data,
  Evaluation,
  Step,
>(
  recipe: ExampleRecipe<Given, Settings, Example, Data, Evaluation, Step>,
  given: Given,
  { out, splitBy, ...watch }: Starting & ExampleWatch<Settings, Data, Evaluation, Step>,
): Promise<ExampleResult<Evaluation, Data>> {
  const named = recipe.resolve(given)
  const settings = { ...named, model: await modelFolder(named.model, watch.onProgress) }
  return runOnExamples(recipe, settings, { where: { out }, splitBy, watch })
}

/**
 * Continues a run from its last checkpoint, with the settings that it began with. The data is read again. Adapters are trained
 * on the run's own base model, if it has one.
 *
 * @throws UserError if the run is of another recipe, if its data has changed, or for a model that cannot be used; `Interrupted`.
 */
export async function resumeOnExamples<
  Given,
  Settings extends ExampleSettings,
  Example,
  Data,
  Evaluation,
  Step,
>(
  recipe: ExampleRecipe<Given, Settings, Example, Data, Evaluation, Step>,
  directory: string,
  { model, data, splitBy, ...watch }: Resuming & ExampleWatch<Settings, Data, Evaluation, Step>,
): Promise<ExampleResult<Evaluation, Data>> {
  const { dataHash: _, ...stored } = storedSettings(directory, recipe.name)
  const moved = { ...(model === undefined ? {} : { model }), ...(data === undefined ? {} : { data }) }
  const named = recipe.resolve({ ...stored, ...moved } as Given)
  const settings = { ...named, model: baseOfRun(directory, named.model) }
  return runOnExamples(recipe, settings, { where: { resume: directory }, splitBy, watch })
}

interface RunOptions<Watch> extends Splitting {
  readonly where: { readonly out: string | undefined } | { readonly resume: string }
  readonly watch: Watch
}

/** Reads the examples, opens the model and trains it. A run can only be resumed with the data that it began with. */
async function runOnExamples<Given, Settings extends ExampleSettings, Example, Data, Evaluation, Step>(
  recipe: ExampleRecipe<Given, Settings, Example, Data, Evaluation, Step>,
  settings: Settings,
  { where, splitBy, watch }: RunOptions<ExampleWatch<Settings, Data, Evaluation, Step>>,
): Promise<ExampleResult<Evaluation, Data>> {
  const { name } = recipe
  const { model, chat, lora, seed } = settings
  const renderer = Renderer.load(model, { chat, template: recipe.templateOf?.(settings) })
  renderer.checkArguments(chat.arguments)
  checkMaxLength(settings)
  const examples = await recipe.read(settings, {
    renderer,
    splitBy,
    warn: warner(watch.onWarning),
    progress: watch.onProgress ?? (() => {}),
  })
  const { training, heldOut } = examples
  const data = recipe.describe(examples)
  if ('resume' in where)
    checkSameData(examples, storedSettings(where.resume, name).dataHash, {
      data: recipe.sourceOf(settings),
      directory: where.resume,
    })
  const place: Place =
    'resume' in where
      ? where
      : { recipe: name, seed, settings: { ...settings, dataHash: examples.hash }, out: where.out, model }
  checkLora(settings)
  watch.onProgress?.('opening the model')
  const rewardHead = recipe.rewardHeadOf?.(settings)
  return withEngine({ ...settings, rewardHead, onWarning: watch.onWarning }, (engine) => {
    requireCapabilities(engine.can, { objective: recipe.objectiveOf(settings), lora })
    return withRun(place, watch, async (run) => {
      run.progress('preparing the training')
      const opened = await openTrainer(run, engine, settings)
      const trainer = run.stoppable(engine, rewardHead ? opened : savingStopTokens(opened, renderer))
      await run.restore((folder) => trainer.load(folder))
      watch.onStart?.(run.directory, settings, data)
      const outcome = await recipe.train(
        {
          run,
          engine,
          trainer,
          training,
          heldOut,
          settings: { ...settings, evalEvery: settings.eval.every },
          onStart: watch.onBefore,
          onStep: watch.onStep,
          onWarning: watch.onWarning,
        },
        settings,
      )
      return run.finish({ seed, data, ...outcome }, (folder) => trainer.save(folder))
    })
  })
}

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../common/errors.ts'
import { type Warn, warner } from '../common/warnings.ts'
import { plural } from '../common/words.ts'
import { checkEngine, withEngine } from '../engines/open.ts'
import { type ModelConfig, parseConfig } from '../models/config.ts'
import { countParameters, initParameters } from '../models/parameters.ts'
import { trainBpe } from '../models/tokenizer/bpe.ts'
import { Tokenizer } from '../models/tokenizer/tokenizer.ts'
import { SPECIAL_TOKENS, saveTokenizer, specialTokenList } from '../models/tokenizer/tokenizer-files.ts'
import { chatTemplate } from '../renderer/own-template.ts'
import { modelCard } from '../report/model-card.ts'
import { type Place, type Run, storedSettings, type Trained, withRun } from '../runs/with-run.ts'
import { changedSettings, type Tree } from '../settings/layers.ts'
import { type PretrainSettings, pretrainSettings, resolvePretrainSettings } from '../settings/pretrain.ts'
import { type PretrainingStep, pretraining } from '../stages/supervise/pretraining.ts'
import { corpusDocuments } from '../tasks/miniature/index.ts'
import { R1_ZERO_TEMPLATE } from '../thinking/r1/template.ts'

/**
 * Makes the miniature's base model: corpus → tokenizer → decoder → next-token prediction.
 *
 * @throws UserError for settings that cannot be used, before the run starts; `Interrupted`.
 */
export async function pretrain(
  given: Tree = {},
  { out, ...watch }: PretrainWatch & { out?: string | undefined } = {},
): Promise<PretrainResult> {
  const settings = resolvePretrainSettings(given)
  watch.onProgress?.('checking the model')
  await checkModel(settings)
  return inRun({ recipe: 'pretrain', seed: settings.seed, settings, out }, settings, watch)
}

/** Continues a run from its last checkpoint, with the same result as an uninterrupted run. */
export async function resumePretrain(directory: string, watch: PretrainWatch = {}): Promise<PretrainResult> {
  return inRun({ resume: directory }, resolvePretrainSettings(storedSettings(directory, 'pretrain')), watch)
}

function inRun(place: Place, settings: PretrainSettings, watch: PretrainWatch): Promise<PretrainResult> {
  return withRun(place, watch, (run) => train(run, settings, watch))
}

async function train(run: Run, settings: PretrainSettings, watch: PretrainWatch): Promise<PretrainResult> {
  const { seed, general, boxed, engine: engineName, threads } = settings
  const warn = warner(watch.onWarning)

  // corpus → tokenizer
  run.progress('making the tokenizer from the corpus')
  const folder = join(run.directory, 'tokenizer')
  const bpe = trainBpe(corpusDocuments(seed, settings.tokenizerDocuments, { general, boxed }), {
    vocabSize: settings.vocabulary,
    specialTokens: specialTokenList(SPECIAL_TOKENS),
  })
  saveTokenizer(folder, {
    ...bpe,
    specialTokens: SPECIAL_TOKENS,
    chatTemplate: chatTemplate(R1_ZERO_TEMPLATE.replace(/ User: .*$/, '')),
    maxLength: settings.model.maxPositions,
  })
  const tokenizer = Tokenizer.load(folder)

  // a decoder with random weights, or those of the checkpoint
  const config = decoderConfig(settings, tokenizer)
  run.progress('opening the model')
  const model = { config, parameters: initParameters(config, seed), tokenizerFrom: folder }
  return withEngine({ engine: engineName, model, threads }, async (engine) => {
    const trainer = run.stoppable(engine, await engine.trainer())
    await run.restore((folder) => trainer.load(folder))
    const parameters = countParameters(config)
    watch.onStart?.(run.directory, { vocabulary: tokenizer.vocabSize, parameters })

    const planned = Math.ceil(settings.tokens / settings.batchTokens)
    if (planned <= settings.warmupSteps && run.checkpoint === null)
      warn(
        `only about ${plural(planned, 'optimizer step')} in all, while the learning rate still rises (warmupSteps=${settings.warmupSteps}): little is learned; raise tokens`,
      )

    // next-token prediction on fresh documents
    const last = await pretraining({
      run,
      trainer,
      tokenizer,
      documents: (index, n) => corpusDocuments(seed, n, { from: index * n, general, boxed }),
      settings,
      onStep: watch.onStep,
      // the engine writes the checkpoint of an aborted run, and is closed before that run ends
    }).finally(() => run.settled())

    const losses = run.store.metric('loss').slice(-100)
    const loss = losses.reduce((sum, { value }) => sum + value, 0) / losses.length
    return run.finish({ tokens: last.tokens, loss }, async (directory) => {
      await trainer.save(directory)
      const { seed: _seed, tokens, engine: _engine, threads: _threads, ...others } = settings
      const sets = changedSettings(others, pretrainSettings.parse({}))
      const card = modelCard({
        command: [
          `ruminate pretrain --seed ${seed} --tokens ${tokens}`,
          ...sets.map((set) => `--set ${set}`),
        ].join(' '),
        settings,
        tokens: last.tokens,
        dropped: last.dropped,
        loss,
        parameters,
        vocabulary: tokenizer.vocabSize,
      })
      writeFileSync(join(directory, 'README.md'), card)
    })
  })
}

/** Checks, before there is a run, that the engine can train such a model. Its tokenizer is made inside the run. */
async function checkModel(settings: PretrainSettings): Promise<void> {
  const { maxLength, model: architecture } = settings
  if (maxLength > architecture.maxPositions)
    throw new UserError(
      `maxLength=${maxLength} is more than the model's ${architecture.maxPositions} positions: lower maxLength, or raise model.maxPositions`,
      2,
    )
  const config = decoderConfig(settings, { vocabSize: settings.vocabulary, eosId: 0, padId: 0 })
  const model = { config, parameters: initParameters(config, settings.seed) }
  await checkEngine({ ...settings, model }, [{ objective: { kind: 'cross_entropy' } }])
}

function decoderConfig(
  { model }: PretrainSettings,
  tokenizer: Pick<Tokenizer, 'vocabSize' | 'eosId' | 'padId'>,
): ModelConfig {
  const fields = {
    model_type: model.type,
    vocab_size: tokenizer.vocabSize,
    hidden_size: model.hiddenSize,
    intermediate_size: model.intermediateSize,
    num_hidden_layers: model.numLayers,
    num_attention_heads: model.numHeads,
    num_key_value_heads: model.numKvHeads,
    head_dim: model.headDim,
    rope_theta: model.ropeTheta,
    max_position_embeddings: model.maxPositions,
    query_pre_attn_scalar: model.headDim,
    // Only the types of Qwen have a switch for it.
    use_sliding_window: model.slidingWindow !== null && !['mistral', 'gemma3_text'].includes(model.type),
    sliding_window: model.slidingWindow,
    max_window_layers: 0,
    tie_word_embeddings: true,
    bos_token_id: null,
    eos_token_id: tokenizer.eosId,
    pad_token_id: tokenizer.padId,
  }
  return parseConfig(fields, 'model')
}

export interface PretrainResult extends Trained {
  readonly tokens: number
  /** Mean loss of the last 100 steps, in nats per token. */
  readonly loss: number
}

/** Callbacks and the signal of a run. */
export interface PretrainWatch {
  /** When aborted, the run stops after the current step, with a checkpoint, by throwing `Interrupted`. */
  readonly signal?: AbortSignal | undefined
  readonly onStart?: ((run: string, model: { vocabulary: number; parameters: number }) => void) | undefined
  readonly onStep?: ((step: PretrainingStep) => void) | undefined
  /** Called with lines that say what is being done. */
  readonly onProgress?: ((line: string) => void) | undefined
  /** Receives warnings, such as that there are too few steps to learn much. By default they go to standard error. */
  readonly onWarning?: Warn | undefined
}

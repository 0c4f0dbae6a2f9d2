import { learningRateAt } from '../../algorithms/schedules.ts'
import { Random } from '../../common/random.ts'
import { plural } from '../../common/words.ts'
import type { Trainer } from '../../engines/contract.ts'
import type { Tokenizer } from '../../models/tokenizer/tokenizer.ts'
import type { RunStore } from '../../runs/store.ts'
import type { Run } from '../../runs/with-run.ts'
import { learn } from './learn.ts'

interface PretrainingSettings {
  readonly seed: number
  /** Training stops once it has seen this many tokens. */
  readonly tokens: number
  /** Most tokens in a batch, padding included. */
  readonly batchTokens: number
  /** Longer documents are dropped. */
  readonly maxLength: number
  /** Documents per window. Within a window, documents of similar length are batched together. */
  readonly windowDocuments: number
  readonly learningRate: number
  readonly warmupSteps: number
  /** The final learning rate as a share of the peak. */
  readonly finalShare: number
  readonly beta1: number
  readonly beta2: number
  readonly eps: number
  readonly weightDecay: number
  readonly gradClipNorm: number
  readonly checkpointEvery: number
  /** See `StepEnd.seconds`. */
  readonly checkpointSeconds: number | null
}

export interface PretrainingStep {
  readonly step: number
  readonly loss: number
  readonly learningRate: number
  /** Tokens trained on so far. */
  readonly tokens: number
  readonly tokensPerSecond: number
  /** Documents dropped so far because they are too long. */
  readonly dropped: number
}

export interface Pretraining {
  readonly run: Run
  /** Holds the weights of the run's last checkpoint, or the initial ones. */
  readonly trainer: Trainer
  readonly tokenizer: Tokenizer
  /** The documents of window `index`: a pure function of the index. */
  readonly documents: (index: number, count: number) => Iterable<string>
  readonly settings: PretrainingSettings
  readonly onStep?: ((step: PretrainingStep) => void) | undefined
}

/** Next-token prediction on documents, each seen once, from the run's next step. Resolves to the last step. */
export async function pretraining(job: Pretraining): Promise<PretrainingStep> {
  const { run, trainer, tokenizer, settings } = job
  const { store } = run
  let at = resumePoint(store)
  let last: PretrainingStep | null = null
  while (at.tokens < settings.tokens) {
    run.progress('making documents of the corpus')
    const window = tokenise(tokenizer, job.documents(at.window, settings.windowDocuments), settings.maxLength)
    const batches = batchByLength(
      window.documents,
      settings.batchTokens,
      new Random(settings.seed, 'batches', at.window),
    )
    while (at.batch < batches.length && at.tokens < settings.tokens) {
      const batch = batches[at.batch]!
      const step = at.step + 1
      const learningRate = learningRateOf(settings, step, at.tokens)
      const { loss, gradNorm, flops, learned, seconds } = await learn(
        trainer,
        batch.map((tokens) => ({ tokens, learned: new Uint8Array(tokens.length).fill(1) })),
        { ...settings, learningRate },
        step,
      )
      at = {
        ...at,
        step,
        batch: at.batch + 1,
        tokens: at.tokens + learned,
        flops: at.flops + (flops ?? Number.NaN),
      }
      const dropped = at.dropped + window.dropped
      last = { step, loss, learningRate, tokens: at.tokens, tokensPerSecond: learned / seconds, dropped }
      const record = {
        metrics: {
          loss,
          learning_rate: learningRate,
          grad_norm: gradNorm ?? Number.NaN,
          'speed/training': last.tokensPerSecond,
          'total/tokens': at.tokens,
          'total/flops': at.flops,
          'data/window': at.window,
          'data/batch': at.batch,
          'data/dropped_before_window': at.dropped,
        },
      }
      run.complete(step, record, (directory) => trainer.save(directory, { optimizer: true }))
      job.onStep?.(last)
      await run.endStep({
        due: step % settings.checkpointEvery === 0,
        seconds: settings.checkpointSeconds,
        last: at.tokens >= settings.tokens,
        score: null,
      })
    }
    if (at.batch === batches.length)
      at = { ...at, window: at.window + 1, batch: 0, dropped: at.dropped + window.dropped }
  }
  return (
    last ?? {
      step: at.step,
      loss: Number.NaN,
      learningRate: 0,
      tokens: at.tokens,
      tokensPerSecond: Number.NaN,
      dropped: at.dropped,
    }
  )
}

/**
 * Warm-up over `warmupSteps` steps, then constant for the first half of the tokens, then a linear decay to `finalShare`.
 */
function learningRateOf(settings: PretrainingSettings, step: number, tokens: number): number {
  const decay = { kind: 'warmup_stable_decay', warmup: 0, stable: 0.5, final: settings.finalShare } as const
  const warm = Math.min(1, step / settings.warmupSteps)
  return warm * learningRateAt(decay, settings.learningRate, tokens, settings.tokens)
}

/** Batches of documents of similar length with documents × longest ≤ batchTokens, in random order. */
function batchByLength(
  documents: readonly Int32Array[],
  batchTokens: number,
  random: Random,
): Int32Array[][] {
  const sorted = [...documents].sort((a, b) => a.length - b.length)
  const batches: Int32Array[][] = []
  let batch: Int32Array[] = []
  for (const document of sorted) {
    if (batch.length > 0 && (batch.length + 1) * document.length > batchTokens) {
      batches.push(batch)
      batch = []
    }
    batch.push(document)
  }
  if (batch.length > 0) batches.push(batch)
  return random.shuffle(batches)
}

function tokenise(
  tokenizer: Tokenizer,
  texts: Iterable<string>,
  maxLength: number,
): { documents: Int32Array[]; dropped: number } {
  const documents: Int32Array[] = []
  let dropped = 0
  for (const text of texts) {
    const ids = tokenizer.encode(text)
    if (ids.length + 1 > maxLength) dropped++
    else documents.push(Int32Array.of(...ids, tokenizer.eosId))
  }
  if (documents.length === 0) throw new Error(`no document of at most ${plural(maxLength, 'token')}`)
  return { documents, dropped }
}

function resumePoint(store: RunStore) {
  const { step } = store.info()
  const metrics = store.metricsAt(step)
  return {
    step,
    tokens: metrics['total/tokens'] ?? 0,
    flops: metrics['total/flops'] ?? (step === 0 ? 0 : Number.NaN),
    window: metrics['data/window'] ?? 0,
    batch: metrics['data/batch'] ?? 0,
    dropped: metrics['data/dropped_before_window'] ?? 0,
  }
}

import { learningRateAt } from '../../algorithms/schedules.ts'
import { Random } from '../../common/random.ts'
import type { Trainer } from '../../engines/contract.ts'
import { checkpointOrStop } from '../../runs/checkpoint-or-stop.ts'
import type { RunStore } from '../../runs/store.ts'
import type { TextCodec } from '../sample/rollouts.ts'
import { learn } from './learn.ts'

interface PretrainingSettings {
  readonly seed: number
  /** Stop once this many tokens have been trained on. */
  readonly tokens: number
  /** A batch holds at most this many tokens, padding included. */
  readonly batchTokens: number
  /** Longer documents are dropped. */
  readonly maxLength: number
  /** Documents among which those of similar length are batched together. */
  readonly windowDocuments: number
  readonly learningRate: number
  readonly warmupSteps: number
  /** The last learning rate, as a share of the highest. */
  readonly finalShare: number
  readonly beta1: number
  readonly beta2: number
  readonly eps: number
  readonly weightDecay: number
  readonly gradClipNorm: number
  readonly checkpointEvery: number
}

export interface PretrainingStep {
  readonly step: number
  readonly loss: number
  readonly learningRate: number
  /** Trained on so far. */
  readonly tokens: number
  readonly tokensPerSecond: number
  /** Documents dropped so far for their length. */
  readonly dropped: number
}

export interface Pretraining {
  readonly trainer: Trainer
  readonly codec: TextCodec
  /** Window `index` of fresh documents: a pure function of the index. */
  readonly documents: (index: number, count: number) => Iterable<string>
  readonly settings: PretrainingSettings
  readonly store: RunStore
  readonly signal?: AbortSignal | undefined
  readonly onStep?: ((step: PretrainingStep) => void) | undefined
}

/**
 * Next-token prediction on documents, each seen once. Goes on from the store's last step, whose weights the trainer
 * must hold. Returns the last step.
 */
export async function pretraining(job: Pretraining): Promise<PretrainingStep> {
  const { trainer, codec, settings, store } = job
  let at = resumePoint(store)
  let last: PretrainingStep | null = null
  while (at.tokens < settings.tokens) {
    const window = tokenise(codec, job.documents(at.window, settings.windowDocuments), settings.maxLength)
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
      at = { ...at, step, batch: at.batch + 1, tokens: at.tokens + learned, flops: at.flops + flops }
      const dropped = at.dropped + window.dropped
      last = { step, loss, learningRate, tokens: at.tokens, tokensPerSecond: learned / seconds, dropped }
      store.record(step, {
        metrics: {
          loss,
          learning_rate: learningRate,
          grad_norm: gradNorm,
          'speed/training': last.tokensPerSecond,
          'total/tokens': at.tokens,
          'total/flops': at.flops,
          'data/window': at.window,
          'data/batch': at.batch,
          'data/dropped_before_window': at.dropped,
        },
      })
      job.onStep?.(last)
      await checkpointOrStop(job, step, {
        due: step % settings.checkpointEvery === 0,
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

/** Warm-up over `warmupSteps`; flat for the first half of the tokens, then linear down to `finalShare`. */
function learningRateOf(settings: PretrainingSettings, step: number, tokens: number): number {
  const decay = { kind: 'warmup_stable_decay', warmup: 0, stable: 0.5, final: settings.finalShare } as const
  const warm = Math.min(1, step / settings.warmupSteps)
  return warm * learningRateAt(decay, settings.learningRate, tokens, settings.tokens)
}

/** Batches of documents of similar length: documents × longest ≤ batchTokens. In random order. */
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
  codec: TextCodec,
  texts: Iterable<string>,
  maxLength: number,
): { documents: Int32Array[]; dropped: number } {
  const documents: Int32Array[] = []
  let dropped = 0
  for (const text of texts) {
    const ids = codec.encode(text)
    if (ids.length + 1 > maxLength) dropped++
    else documents.push(Int32Array.of(...ids, codec.eosId))
  }
  if (documents.length === 0) throw new Error(`no document of at most ${maxLength} tokens`)
  return { documents, dropped }
}

function resumePoint(store: RunStore) {
  const { step } = store.info()
  const metrics = store.metricsAt(step)
  return {
    step,
    tokens: metrics['total/tokens'] ?? 0,
    flops: metrics['total/flops'] ?? 0,
    window: metrics['data/window'] ?? 0,
    batch: metrics['data/batch'] ?? 0,
    dropped: metrics['data/dropped_before_window'] ?? 0,
  }
}

import type { Engine, RewardScorer, Sampler, Scorer, Trainer } from './contract.ts'

/** A model in training. */
interface Policy {
  readonly engine: Engine
  readonly trainer: Trainer
}

/** Runs `work` with a sampler of the trainer's current weights. */
export async function withPolicy<T>(
  { engine, trainer }: Policy,
  work: (sampler: Sampler) => Promise<T>,
): Promise<T> {
  return closing(await engine.sampler(await trainer.snapshot()), work)
}

/** Runs `work` with a scorer of the trainer's current weights. */
export async function withPolicyScorer<T>(
  { engine, trainer }: Policy,
  work: (scorer: Scorer) => Promise<T>,
): Promise<T> {
  return closing(await engine.scorer(await trainer.snapshot()), work)
}

/** Runs `work` with a reward scorer of the trainer's current weights. */
export async function withPolicyRewardScorer<T>(
  { engine, trainer }: Policy,
  work: (scorer: RewardScorer) => Promise<T>,
): Promise<T> {
  return closing(await engine.rewardScorer(await trainer.snapshot()), work)
}

/** Runs `work`, then closes what it used, even if `work` fails. */
async function closing<O extends { close(): Promise<void> }, T>(
  open: O,
  work: (open: O) => Promise<T>,
): Promise<T> {
  try {
    return await work(open)
  } finally {
    await open.close()
  }
}

import type { Sampler } from '../../engines/contract.ts'
import { openLocalTrainer } from '../../engines/local/index.ts'
import { Tokenizer } from '../../models/tokenizer.ts'

/** A model that is open to be sampled from. */
export class Opened {
  private constructor(
    readonly folder: string,
    readonly codec: Tokenizer,
    readonly sampler: Sampler,
    readonly close: () => Promise<void>,
  ) {}

  static async open(folder: string, threads: number): Promise<Opened> {
    const trainer = await openLocalTrainer({ model: folder, threads })
    return new Opened(folder, Tokenizer.load(folder), await trainer.sampler(), () => trainer.close())
  }
}

import type { Sampler } from '../../engines/contract.ts'
import { type EngineName, openSampler } from '../../engines/open.ts'
import { Tokenizer } from '../../models/tokenizer.ts'

/** A model opened for sampling. */
export interface OpenModel {
  readonly folder: string
  readonly codec: Tokenizer
  readonly sampler: Sampler
}

/**
 * Opens the model in a folder for sampling, runs `work` with it, and closes it, also if `work` fails.
 *
 * @throws UserError if the model cannot be read.
 */
export async function withModel<T>(
  folder: string,
  { engine, threads }: { readonly engine: EngineName; readonly threads: number },
  work: (model: OpenModel) => Promise<T>,
): Promise<T> {
  const codec = Tokenizer.load(folder)
  const sampler = await openSampler({ model: folder, threads, engine })
  try {
    return await work({ folder, codec, sampler })
  } finally {
    await sampler.close()
  }
}

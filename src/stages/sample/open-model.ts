import type { Sampler } from '../../engines/contract.ts'
import { type EngineName, openSampler } from '../../engines/open.ts'
import { Tokenizer } from '../../models/tokenizer.ts'

/** A model opened for sampling. */
export interface OpenModel {
  readonly folder: string
  readonly codec: Tokenizer
  readonly sampler: Sampler
  close(): Promise<void>
}

interface OpenModelOptions {
  readonly threads: number
  readonly engine?: EngineName | undefined
}

/**
 * Opens the model in a folder for sampling. The caller must close it.
 *
 * @throws UserError if the model cannot be read.
 */
async function openModel(
  folder: string,
  { threads, engine = 'local' }: OpenModelOptions,
): Promise<OpenModel> {
  const codec = Tokenizer.load(folder)
  const sampler = await openSampler({ model: folder, threads, engine })
  return { folder, codec, sampler, close: () => sampler.close() }
}

/** Opens the model in a folder, runs `work` with it, and closes it, also if `work` fails. */
export async function withModel<T>(
  folder: string,
  options: OpenModelOptions,
  work: (model: OpenModel) => Promise<T>,
): Promise<T> {
  const model = await openModel(folder, options)
  try {
    return await work(model)
  } finally {
    await model.close()
  }
}

import type { Progress } from '../../common/progress.ts'
import type { Sampler, TinkerSettings } from '../../engines/contract.ts'
import { type EngineName, openSampler } from '../../engines/open.ts'
import { Renderer, type RendererOptions } from '../../renderer/renderer.ts'

/** A model opened for sampling. */
export interface OpenModel {
  readonly folder: string
  readonly renderer: Renderer
  readonly sampler: Sampler
}

interface OpenOptions extends RendererOptions {
  readonly engine: EngineName
  readonly tinker?: TinkerSettings | null | undefined
  readonly threads: number
  readonly progress?: Progress | undefined
}

/**
 * Opens the model in a folder for sampling, runs `work` with it, and closes it, even if `work` fails.
 *
 * @throws UserError if the model cannot be read.
 */
export async function withModel<T>(
  folder: string,
  { engine, tinker, threads, progress, ...rendering }: OpenOptions,
  work: (model: OpenModel) => Promise<T>,
): Promise<T> {
  progress?.('opening the model')
  const renderer = Renderer.load(folder, rendering)
  const sampler = await openSampler({ model: folder, threads, engine, tinker })
  try {
    return await work({ folder, renderer, sampler })
  } finally {
    await sampler.close()
  }
}

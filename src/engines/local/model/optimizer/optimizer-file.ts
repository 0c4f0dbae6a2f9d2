import { UserError } from '../../../../common/errors.ts'
import type { StoredTensor } from '../../../../models/checkpoint/safetensors.ts'
import { Shards, shardFiles, writeShards } from '../../../../models/checkpoint/shards.ts'
import type { Parameters } from '../feeds.ts'

/** AdamW's state: the number of steps so far, and the moments by the names of the trainable parameters. */
export interface OptimizerState {
  readonly steps: number
  readonly m: Parameters
  readonly v: Parameters
}

type Shapes = ReadonlyMap<string, readonly number[]>
const STEM = 'optimizer'

/**
 * Writes `optimizer.safetensors` next to a model's weights: `m.NAME` and `v.NAME` of every trainable parameter. States
 * larger than `maxShardBytes` are split into shards.
 */
export function writeOptimizer(
  directory: string,
  shapes: Shapes,
  { steps, m, v }: OptimizerState,
  { maxShardBytes }: { maxShardBytes?: number } = {},
): void {
  const tensors = new Map<string, StoredTensor>()
  for (const [name, shape] of shapes) {
    tensors.set(`m.${name}`, { shape, data: m.get(name)! })
    tensors.set(`v.${name}`, { shape, data: v.get(name)! })
  }
  writeShards(directory, STEM, tensors, { dtype: 'F32', metadata: { steps: String(steps) }, maxShardBytes })
}

/**
 * Reads what `writeOptimizer` wrote for the same parameters.
 *
 * @throws UserError if a file is missing or damaged, belongs to another model, or is from an older version, which kept
 * the reference policy in it.
 */
export function readOptimizer(directory: string, shapes: Shapes): OptimizerState {
  const files = shardFiles(directory, STEM)
  if (!files)
    throw new UserError(`${directory} has no optimizer state: there is no ${STEM}.safetensors in it`)
  const stored = new Shards(files)
  const path = files[0]!
  try {
    if ([...stored.names].some((name) => name.startsWith('reference.')))
      throw new UserError(
        `${path} was written by an older version of Ruminate, which kept the reference policy in it; this version cannot resume from it: start the run again`,
      )
    const steps = Number(stored.metadata.steps)
    if (!Number.isInteger(steps)) throw new UserError(`${path} lacks the number of steps in its metadata`)
    const read = (moment: 'm' | 'v') =>
      new Map(
        [...shapes].map(([name, shape]) => {
          const values = stored.read(`${moment}.${name}`)
          checkSize(path, `${moment}.${name}`, values, shape)
          return [name, values]
        }),
      )
    return { steps, m: read('m'), v: read('v') }
  } finally {
    stored.close()
  }
}

/** @throws UserError if a tensor has another size than the model's. */
export function checkSize(
  where: string,
  name: string,
  values: Float32Array | undefined,
  shape: readonly number[],
): void {
  if (values?.length !== shape.reduce((a, b) => a * b, 1))
    throw new UserError(`${where}: ${name} is missing or has another size; the file belongs to another model`)
}

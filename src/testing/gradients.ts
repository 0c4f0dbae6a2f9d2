import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Trainer } from '../engines/contract.ts'
import { loadModel } from '../models/checkpoint/directory.ts'

/** Factor of the step below: large enough that the gradient's digits survive in float32 weights. */
const SCALE = 1e4
const EPSILON = 1e6

/**
 * The accumulated gradient of every parameter, computed only through the engine's interface, from a step without
 * momentum:
 * w ← w − η g / (|g| + ε) ≈ w − SCALE·g for ε ≫ |g| and η = SCALE·ε. The step ruins the trainer's weights.
 */
export async function gradientsOf(
  trainer: Trainer,
  before: ReadonlyMap<string, Float32Array>,
): Promise<Map<string, Float32Array>> {
  const folder = mkdtempSync(join(tmpdir(), 'ruminate-gradients-'))
  try {
    await trainer.optimStep({
      learningRate: SCALE * EPSILON,
      beta1: 0,
      beta2: 0,
      eps: EPSILON,
      weightDecay: 0,
      gradClipNorm: 0,
    })
    await trainer.save(folder)
    const after = loadModel(folder).parameters
    return new Map(
      [...before].map(([name, weights]) => [name, weights.map((w, i) => (w - after.get(name)![i]!) / SCALE)]),
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

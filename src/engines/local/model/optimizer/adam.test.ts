import { expect, test } from 'vitest'
import { Random } from '../../../../common/random.ts'
import { adamLoop, type Slot } from './adam.ts'
import { AdamPrograms } from './adam-program.ts'

const settings = { learningRate: 0.01, beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay: 0.1, gradClipNorm: 1 }

/** Tensors of few elements, of several parts with a rest, and with gradients of every size up to `largest`, none too. */
function slots(largest: number): Slot[] {
  const random = new Random('adam')
  return [3, 2 ** 18 + 1500, 2000].map((size, i) => {
    const normal = (scale: number) => Float32Array.from({ length: size }, () => scale * random.normal())
    return {
      weights: normal(0.1),
      gradient: normal(1).map((g, k) => (k % 7 === 0 ? 0 : g * largest * 10 ** -(k % 12))),
      m: new Float32Array(size),
      v: new Float32Array(size),
      decays: i !== 1,
    }
  })
}

test.each([
  [0, 1],
  [1, 1],
  [1e6, 1],
  [1, 1e16],
])(
  'the programs compute what the loop does, clipped at %d, with gradients up to %d',
  (gradClipNorm, largest) => {
    const programs = new AdamPrograms(2)
    const [a, b] = [slots(largest), slots(largest)]
    for (const t of [1, 2, 3]) {
      const norm = adamLoop.norm(a)
      expect(Math.abs(programs.norm(b) / norm - 1)).toBeLessThan(1e-6)
      adamLoop.step(a, t, norm, { ...settings, gradClipNorm })
      programs.step(b, t, norm, { ...settings, gradClipNorm })
    }
    for (const [i, slot] of a.entries())
      for (const [name, tolerance] of [
        ['weights', 1e-6],
        ['m', 5e-7],
        ['v', 5e-7],
      ] as const) {
        let most = 0
        for (let k = 0; k < slot[name].length; k++)
          most = Math.max(most, Math.abs(slot[name][k]! - b[i]![name][k]!))
        expect(most).toBeLessThan(tolerance)
      }
  },
)

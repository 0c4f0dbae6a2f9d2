import { UserError } from '../../../common/errors.ts'
import { scaledFrequency } from '../../rope.ts'

/** Llama 3's scaling, as in config.json. */
export interface Llama3Scaling {
  readonly rope_type: 'llama3'
  readonly factor: number
  readonly low_freq_factor: number
  readonly high_freq_factor: number
  readonly original_max_position_embeddings: number
}

/** The settings of Llama 3.1 to 3.3, whose `factor` is 8 or 32. */
const USUAL = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 }
/** Largest relative difference between a factor in a file (float32) and the one that the settings give. */
const TOLERANCE = 1e-4

/**
 * The settings of Llama 3's scaling for which RoPE's frequencies are divided by `factors`, as a GGUF file stores them
 * (`rope_freqs.weight`); null if all of them are 1.
 *
 * A frequency f turns t = L·f/2π times in the original context L. It is divided by F (the factor) if t < low, kept if
 * t > high, and else multiplied by (1 − s)/F + s with s = (t − low)/(high − low). Since only L/(high − low) and
 * low/(high − low) matter, low is set to 1 where the usual settings do not fit.
 *
 * @param factors One for each pair of a head's values, the highest frequency first.
 * @param where Names the tensor in messages.
 * @throws UserError for factors of another scaling.
 */
export function llama3Scaling(factors: Float32Array, theta: number, where: string): Llama3Scaling | null {
  if (factors.every((factor) => factor === 1)) return null
  const factor = Math.max(...factors)
  const frequencies = Array.from(factors, (_, i) => theta ** (-i / factors.length))
  const candidates = [USUAL, fit(factors, frequencies, factor)].filter((settings) => settings !== null)
  const found = candidates
    .map((settings) => ({ rope_type: 'llama3' as const, factor, ...settings }))
    .find((scaling) => frequencies.every((f, i) => close(divisor(f, scaling), factors[i]!)))
  if (found) return found
  throw new UserError(
    `${where} scales RoPE's frequencies in another way than Llama 3, which is not supported (largest factor ${factor})`,
  )
}

const close = (a: number, b: number): boolean => Math.abs(a - b) <= TOLERANCE * b

function divisor(frequency: number, scaling: Llama3Scaling): number {
  const settings = {
    type: 'llama3' as const,
    factor: scaling.factor,
    lowFreqFactor: scaling.low_freq_factor,
    highFreqFactor: scaling.high_freq_factor,
    originalMaxPosition: scaling.original_max_position_embeddings,
  }
  return frequency / scaledFrequency(frequency, settings)
}

/** The line s = a·f/2π − b through the factors between 1 and F, as settings; null where there are fewer than two. */
function fit(factors: Float32Array, frequencies: readonly number[], factor: number): typeof USUAL | null {
  const points = [...factors].flatMap((value, i) =>
    value > 1 && value < factor
      ? [{ x: frequencies[i]! / (2 * Math.PI), s: (1 / value - 1 / factor) / (1 - 1 / factor) }]
      : [],
  )
  const [first, last] = [points[0], points.at(-1)]
  if (!first || !last || first === last) return null
  const a = (first.s - last.s) / (first.x - last.x)
  const b = a * first.x - first.s
  if (!(b > 0)) return null
  return {
    low_freq_factor: 1,
    high_freq_factor: round(1 + 1 / b, 1000),
    original_max_position_embeddings: round(a / b, 1),
  }
}

const round = (value: number, parts: number): number => Math.round(value * parts) / parts

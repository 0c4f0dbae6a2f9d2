import { UserError } from '../../../common/errors.ts'
import type { AdamSettings } from '../../contract.ts'
import { adamW, gradientNorm, type Slot } from './adam.ts'
import { adoptSum, publish } from './exchange.ts'
import type { Parameters } from './feeds.ts'
import type { OptimizerState } from './optimizer-file.ts'

type Shapes = ReadonlyMap<string, readonly number[]>

/** The accumulated gradient of the trainable parameters, and AdamW's moments. */
export class Optimizer {
  readonly shapes: Shapes
  #slots: ReadonlyMap<string, Slot>
  #steps = 0
  readonly #exchange: readonly SharedArrayBuffer[]
  readonly #ownVector: SharedArrayBuffer | undefined

  /**
   * @param parameters The weights, which `step` changes in place.
   * @param exchange Where the replicas publish their gradients, one vector each; empty for a single replica.
   */
  constructor(
    shapes: Shapes,
    parameters: Parameters,
    exchange: readonly SharedArrayBuffer[],
    replica: number,
  ) {
    this.shapes = shapes
    this.#exchange = exchange
    this.#ownVector = exchange[replica]
    this.#slots = slotsOf(shapes, parameters, null)
  }

  /** The accumulated gradient, to be added to in place. */
  get gradient(): Parameters {
    return this.#values('gradient')
  }

  get state(): OptimizerState {
    return { steps: this.#steps, m: this.#values('m'), v: this.#values('v') }
  }

  /** Copies the accumulated gradient to where the other replicas read it. */
  publish(): void {
    if (this.#ownVector) publish(this.gradient.values(), this.#ownVector)
  }

  /**
   * Replaces the gradient by the sum over all replicas, if they have published any, and returns its norm.
   *
   * @throws UserError if the norm is not finite.
   */
  sum(published: boolean): number {
    if (published) adoptSum([...this.gradient.values()], this.#exchange)
    const norm = gradientNorm(this.#slots.values())
    if (!Number.isFinite(norm))
      throw new UserError(
        `training has diverged at optimizer step ${this.#steps + 1}: the gradient norm is ${norm}; lower the learning rate`,
      )
    return norm
  }

  /** Makes a step on the accumulated gradient, whose norm is `norm`, and clears it. */
  step(norm: number, adam: AdamSettings): void {
    this.#steps++
    adamW(this.#slots.values(), this.#steps, norm, adam)
    this.clear()
  }

  /** Empties the accumulated gradient. */
  clear(): void {
    for (const { gradient } of this.#slots.values()) gradient.fill(0)
  }

  /** Replaces the weights and the state. */
  restore(parameters: Parameters, state: OptimizerState): void {
    this.#slots = slotsOf(this.shapes, parameters, state)
    this.#steps = state.steps
  }

  #values(of: 'gradient' | 'm' | 'v'): Parameters {
    return new Map([...this.#slots].map(([name, slot]) => [name, slot[of]]))
  }
}

function slotsOf(shapes: Shapes, parameters: Parameters, state: OptimizerState | null): Map<string, Slot> {
  return new Map(
    [...shapes].map(([name, shape]) => {
      const weights = parameters.get(name)!
      const zeros = () => new Float32Array(weights.length)
      return [
        name,
        {
          weights,
          gradient: zeros(),
          m: state?.m.get(name) ?? zeros(),
          v: state?.v.get(name) ?? zeros(),
          decays: shape.length > 1,
        },
      ]
    }),
  )
}

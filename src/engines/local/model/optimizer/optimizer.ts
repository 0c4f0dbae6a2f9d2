import { UserError } from '../../../../common/errors.ts'
import type { AdamSettings } from '../../../contract.ts'
import { adoptSum, publish } from '../exchange.ts'
import type { Parameters } from '../feeds.ts'
import { adamLoop, type Slot, type Update } from './adam.ts'
import { AdamPrograms } from './adam-program.ts'
import type { OptimizerState } from './optimizer-file.ts'

type Shapes = ReadonlyMap<string, readonly number[]>

/** More trainable parameters than this are updated by the runtime's threads. */
const LOOP_PARAMETERS = 10_000_000

/** The accumulated gradient of the trainable parameters, and AdamW's moments. */
export class Optimizer {
  readonly shapes: Shapes
  readonly #update: Update
  #slots: ReadonlyMap<string, Slot>
  #steps = 0
  /** Has no gradient been added since the last step? The slots may then have any values. */
  #empty = true
  /** A gradient that is to be added to the accumulated one. */
  #addend: Parameters | null = null
  readonly #exchange: readonly SharedArrayBuffer[]
  readonly #ownVector: SharedArrayBuffer | undefined

  /**
   * @param parameters The weights, which `step` changes in place.
   * @param exchange Where the replicas publish their gradients, one vector each; empty for a single replica.
   * @param threads That the runtime may use.
   */
  constructor(
    shapes: Shapes,
    parameters: Parameters,
    exchange: readonly SharedArrayBuffer[],
    replica: number,
    threads: number,
  ) {
    this.shapes = shapes
    const count = [...shapes.keys()].reduce((sum, name) => sum + parameters.get(name)!.length, 0)
    this.#update = count > LOOP_PARAMETERS ? new AdamPrograms(threads) : adamLoop
    this.#exchange = exchange
    this.#ownVector = exchange[replica]
    this.#slots = slotsOf(shapes, parameters, null)
  }

  /** Where the next gradient is written before `add`: the first one after a step needs no addition. */
  get next(): Parameters {
    if (this.#empty) return this.#values('gradient')
    this.#addend ??= new Map(
      [...this.#slots].map(([name, { gradient }]) => [name, new Float32Array(gradient.length)]),
    )
    return this.#addend
  }

  /** Adds the gradient in `next` to the accumulated one. */
  add(): void {
    if (!this.#empty)
      for (const [name, { gradient }] of this.#slots) {
        const addend = this.#addend!.get(name)!
        for (let i = 0; i < gradient.length; i++) gradient[i] = gradient[i]! + addend[i]!
      }
    this.#empty = false
  }

  get state(): OptimizerState {
    return { steps: this.#steps, m: this.#values('m'), v: this.#values('v') }
  }

  /** Copies the accumulated gradient to where the other replicas read it. */
  publish(): void {
    if (this.#ownVector) publish(this.#gradient(), this.#ownVector)
  }

  /**
   * Replaces the gradient by the sum over all replicas, if they have published any, and returns its norm.
   *
   * @throws UserError if the norm is not finite.
   */
  sum(published: boolean): number {
    const gradient = this.#gradient()
    if (published) adoptSum(gradient, this.#exchange)
    const norm = this.#update.norm(this.#slots.values())
    if (!Number.isFinite(norm))
      throw new UserError(
        `training has diverged at optimizer step ${this.#steps + 1}: the gradient norm is ${norm}; lower the learning rate`,
      )
    return norm
  }

  /** Makes a step on the accumulated gradient, whose norm is `norm`, and clears it. */
  step(norm: number, adam: AdamSettings): void {
    this.#steps++
    this.#update.step(this.#slots.values(), this.#steps, norm, adam)
    this.clear()
  }

  /** Empties the accumulated gradient. */
  clear(): void {
    this.#empty = true
  }

  /** Replaces the weights and the state. */
  restore(parameters: Parameters, state: OptimizerState): void {
    this.#slots = slotsOf(this.shapes, parameters, state)
    this.#empty = true
    this.#steps = state.steps
  }

  /** The accumulated gradient. */
  #gradient(): Float32Array[] {
    const tensors = [...this.#slots.values()].map(({ gradient }) => gradient)
    if (this.#empty) for (const tensor of tensors) tensor.fill(0)
    this.#empty = false
    return tensors
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

import { describeSpending, type Generator } from '../../providers/generator.ts'
import { type GeneratorOptions, type GeneratorSpec, openGenerator } from './open-generator.ts'

/** The generators of a run, closed together. */
export class Generators {
  readonly #options: GeneratorOptions
  readonly #opened: { name: string; spec: GeneratorSpec; generator: Generator }[] = []

  constructor(options: GeneratorOptions) {
    this.#options = options
  }

  /** @throws UserError if the model cannot be found or read. */
  async open(name: string, spec: GeneratorSpec): Promise<Generator> {
    const generator = await openGenerator(spec, this.#options)
    this.#opened.push({ name, spec, generator })
    return generator
  }

  /** The cost of each model, one line each; rules cost nothing. */
  spending(): string[] {
    return this.#opened.flatMap(({ name, spec, generator }) =>
      typeof spec === 'string' ? [] : [`the ${name}: ${describeSpending(generator.spent())}`],
    )
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map(({ generator }) => generator.close()))
  }
}

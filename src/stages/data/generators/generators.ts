import type { Progress } from '../../../common/progress.ts'
import { plural } from '../../../common/words.ts'
import type { Generator } from '../../../providers/generator.ts'
import { describeSpending } from '../../../providers/spending.ts'
import { type GeneratorOptions, type GeneratorSpec, openGenerator } from './open-generator.ts'

/** The generators of a run, closed together. */
export class Generators {
  readonly #options: GeneratorOptions & { readonly progress?: Progress | undefined }
  readonly #opened: { name: string; spec: GeneratorSpec; generator: Generator }[] = []

  constructor(options: GeneratorOptions & { readonly progress?: Progress | undefined }) {
    this.#options = options
  }

  /** @throws UserError if the model cannot be found or read. */
  async open(name: string, spec: GeneratorSpec): Promise<Generator> {
    const opened = await openGenerator(spec, this.#options)
    const { progress } = this.#options
    const generator = typeof spec === 'string' || !progress ? opened : counting(opened, name, progress)
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

/** The generator; reports the number of its replies. */
function counting(generator: Generator, name: string, progress: Progress): Generator {
  let replies = 0
  return {
    identity: generator.identity,
    async generate(messages, options) {
      const reply = await generator.generate(messages, options)
      progress(`${plural(++replies, 'reply', 'replies')} of the ${name}`)
      return reply
    },
    spent: () => generator.spent(),
    close: () => generator.close(),
  }
}

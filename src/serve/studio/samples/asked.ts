import type { RunStore } from '../../../runs/store.ts'
import type { Sample } from './sample.ts'

/** Finds the question in the prompts of a run, given its settings. */
export type QuestionReader = (settings: unknown) => (prompt: string) => string

/** A sample with its question as it was asked, without the template of the prompt. */
export interface AskedSample extends Sample {
  readonly asked: string
}

/** Runs and prompts that are remembered at most: to read a prompt, the template of the model may have to be loaded. */
const [RUNS, PROMPTS] = [16, 2000]

/** Adds their questions to samples of runs that have no texts of questions, but prompts. */
export class Asked {
  readonly #reader: QuestionReader
  readonly #runs = new Map<string, (prompt: string) => string>()

  constructor(reader: QuestionReader) {
    this.#reader = reader
  }

  add<Kind extends Sample>(store: RunStore, samples: readonly Kind[]): (Kind & AskedSample)[] {
    const read = this.#readerOf(store)
    return samples.map((sample) => ({ ...sample, asked: sample.asked ?? read(sample.prompt) }))
  }

  #readerOf(store: RunStore): (prompt: string) => string {
    const settings = store.select<{ settings: string }>('SELECT settings FROM run')[0]?.settings ?? '{}'
    const known = this.#runs.get(settings)
    if (known) return known
    const read = remembered(this.#reader(JSON.parse(settings)))
    if (this.#runs.size === RUNS) this.#runs.clear()
    this.#runs.set(settings, read)
    return read
  }
}

function remembered(read: (prompt: string) => string): (prompt: string) => string {
  const known = new Map<string, string>()
  return (prompt) => {
    const asked = known.get(prompt) ?? read(prompt)
    if (known.size === PROMPTS) known.clear()
    known.set(prompt, asked)
    return asked
  }
}

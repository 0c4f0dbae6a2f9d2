import type { Cases } from './cases.ts'
import { DEFAULT_LIMITS, type Limits, type Outcome, runProgram } from './index.ts'

/** The result of one test case. */
interface Result {
  readonly passed: boolean
  readonly outcome: Outcome
}

/** Runs a program on its test cases, one after the other and each at most once. */
export class Trial {
  readonly #source: string
  readonly #cases: Cases
  readonly #limits: Limits
  readonly #results: Result[] = []
  #share: Promise<number> | undefined

  constructor(source: string, cases: Cases, limits: Limits = DEFAULT_LIMITS) {
    this.#source = source
    this.#cases = cases
    this.#limits = limits
  }

  /** Runs the cases up to the first failure, and describes it; null if all cases pass. */
  async firstFailure(): Promise<string | null> {
    let failed = this.#results.findIndex(({ passed }) => !passed)
    while (failed < 0 && this.#remaining > 0)
      if (!(await this.#next()).passed) failed = this.#results.length - 1
    return failed < 0 ? null : this.#describe(failed)
  }

  /**
   * The share of cases that pass. After a case that exceeded a limit, all others count as failed without being run, so that
   * an endless loop costs its time only once.
   */
  share(): Promise<number> {
    this.#share ??= this.#finish()
    return this.#share
  }

  async #finish(): Promise<number> {
    while (this.#remaining > 0 && !exceededLimit(this.#results.at(-1))) await this.#next()
    return this.#results.filter(({ passed }) => passed).length / this.#cases.cases.length
  }

  get #remaining(): number {
    return this.#cases.cases.length - this.#results.length
  }

  async #next(): Promise<Result> {
    const { language, cases } = this.#cases
    const test = cases[this.#results.length]!
    const outcome = await runProgram({ language, source: this.#source, input: test.input }, this.#limits)
    const result = { passed: test.passedBy(outcome), outcome }
    this.#results.push(result)
    return result
  }

  #describe(index: number): string {
    const { outcome } = this.#results[index]!
    const { cases, call } = this.#cases
    const place = `test ${index + 1} of ${cases.length}`
    if (outcome.end !== 'exit') return `${place}: ${outcome.end}: ${outcome.detail}`
    const got = call === null ? outcome.stdout : outcome.result
    return `${place}: gave ${got === null ? 'nothing' : quoted(got)}, not ${quoted(cases[index]!.expected)}`
  }
}

function exceededLimit(result: Result | undefined): boolean {
  return result !== undefined && ['timeout', 'memory', 'output'].includes(result.outcome.end)
}

const quoted = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text)

/** An answer takes more work, depth or digits than is allowed. Always caught in this folder. */
export class TooLarge extends Error {
  constructor(what: string) {
    super(`${what} is too large`)
  }
}

/** A value that does not exist, such as 1/0. Always caught in this folder. */
export class Undefined extends Error {}

/** The work that is still allowed; `spend` throws `TooLarge` when it is used up. */
export class Budget {
  #left: number
  constructor(units: number) {
    this.#left = units
  }
  spend(units = 1): void {
    this.#left -= units
    if (this.#left < 0) throw new TooLarge('the computation')
  }
}

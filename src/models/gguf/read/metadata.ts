import { UserError } from '../../../common/errors.ts'

/** Values of the metadata of a GGUF file, checked for their type. Each is undefined if the file does not have the key. */
export class Metadata {
  readonly #values: Readonly<Record<string, unknown>>

  /** @param path Names the file in messages. */
  constructor(
    readonly path: string,
    values: Readonly<Record<string, unknown>>,
  ) {
    this.#values = values
  }

  get keys(): string[] {
    return Object.keys(this.#values)
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#values, key)
  }

  isList(key: string): boolean {
    return this.has(key) && Array.isArray(this.#values[key])
  }

  text(key: string): string | undefined {
    return this.#read(key, 'a string', (value) => (typeof value === 'string' ? value : undefined))
  }

  flag(key: string): boolean | undefined {
    return this.#read(key, 'true or false', (value) => (typeof value === 'boolean' ? value : undefined))
  }

  number(key: string): number | undefined {
    return this.#read(key, 'a number', finite)
  }

  /** A positive whole number. */
  count(key: string): number | undefined {
    return this.#read(key, 'a positive whole number', (value) => {
      const number = finite(value)
      return Number.isSafeInteger(number) && number! > 0 ? number : undefined
    })
  }

  texts(key: string): readonly string[] | undefined {
    return this.#read(key, 'a list of strings', (value) =>
      Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : undefined,
    )
  }

  numbers(key: string): readonly number[] | undefined {
    return this.#read(key, 'a list of numbers', (value) => {
      const list = Array.isArray(value) ? value.map(finite) : undefined
      return list?.every((one) => one !== undefined) ? list : undefined
    })
  }

  flags(key: string): readonly boolean[] | undefined {
    return this.#read(key, 'a list of true and false', (value) =>
      Array.isArray(value) && value.every((one) => typeof one === 'boolean') ? value : undefined,
    )
  }

  /** @throws UserError if there is no value. */
  needed<T>(key: string, value: T | undefined): T {
    if (value === undefined) throw new UserError(`${this.path} has no "${key}" in its metadata`)
    return value
  }

  /** The error for a value that cannot be used. */
  refuse(key: string, value: unknown, reason: string): UserError {
    return new UserError(`${this.path}: "${key}" is ${show(value)}${reason}`)
  }

  #read<T>(key: string, expected: string, convert: (value: unknown) => T | undefined): T | undefined {
    if (!this.has(key)) return undefined
    const value = convert(this.#values[key])
    if (value === undefined) throw this.refuse(key, this.#values[key], `; ${expected} is expected`)
    return value
  }
}

function finite(value: unknown): number | undefined {
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

function show(value: unknown): string {
  const text =
    JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? Number(one) : one)) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

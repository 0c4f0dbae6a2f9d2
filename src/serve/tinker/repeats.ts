import { createHash } from 'node:crypto'
import { RequestError } from '../problem.ts'

/** So many requests are remembered of each client. */
const REMEMBERED = 4096

/**
 * Requests with a sequence number, each of which is carried out once: a client that repeats one, because its connection broke,
 * is told the same as the first time.
 */
export class Repeats {
  readonly #told = new Map<number, { readonly fingerprint: string; readonly id: string }>()

  /**
   * The id that `begin` returns, or returned for the same number. Without a number, every request is new.
   *
   * @throws RequestError if an earlier request with this number was another one.
   */
  once(seq: number | null | undefined, request: Uint8Array | object, begin: () => string): string {
    if (seq === null || seq === undefined) return begin()
    const print = fingerprint(request)
    const told = this.#told.get(seq)
    if (told && told.fingerprint !== print)
      throw new RequestError('conflict', `another request has had the sequence number ${seq}`, {
        field: 'seq_id',
      })
    if (told) return told.id
    const id = begin()
    this.#told.set(seq, { fingerprint: print, id })
    if (this.#told.size > REMEMBERED) this.#told.delete(this.#told.keys().next().value!)
    return id
  }
}

const fingerprint = (request: Uint8Array | object): string =>
  createHash('sha256')
    .update(request instanceof Uint8Array ? request : JSON.stringify(request))
    .digest('base64')

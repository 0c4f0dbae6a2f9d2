import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { c as archived } from 'tar'
import { RequestError } from '../problem.ts'
import type { TinkerService } from './service.ts'
import { type Address, addressOf, filesIn, KINDS, type Kind, type RunRecord } from './store.ts'

interface Page {
  readonly limit: number
  readonly offset: number
}

/** @throws RequestError for a page that cannot be. */
export function pageOf(query: URLSearchParams): Page {
  const read = (name: string, otherwise: number, least: number): number => {
    const text = query.get(name)
    const value = text === null ? otherwise : Number(text)
    if (!Number.isSafeInteger(value) || value < least)
      throw new RequestError(
        'invalid',
        `${name} must be a whole number of at least ${least}, not ${JSON.stringify(text)}`,
        {
          field: name,
        },
      )
    return value
  }
  return { limit: Math.min(1_000, read('limit', 20, 1)), offset: read('offset', 0, 0) }
}

/** The runs and checkpoints of a server, as its clients list them, also those of earlier sessions. */
export class Rest {
  readonly #service: TinkerService
  /** Links to checkpoints, which need no key, and when they end. */
  readonly #links = new Map<string, { readonly address: Address; readonly until: number }>()

  constructor(service: TinkerService) {
    this.#service = service
  }

  runs(page: Page): object {
    const runs = this.#service.store.runs()
    return {
      training_runs: pageIn(runs, page).map((run) => this.#run(run)),
      cursor: { ...page, total_count: runs.length },
    }
  }

  run(id: string): object {
    return this.#run(this.#service.store.run(id))
  }

  checkpoints(id: string): object {
    return { checkpoints: this.#service.store.checkpoints(id), cursor: null }
  }

  /** Those of all runs, the newest first. */
  allCheckpoints(page: Page): object {
    const { store } = this.#service
    const all = store
      .runs()
      .flatMap(({ training_run_id }) => store.checkpoints(training_run_id))
      .sort((a, b) => (a.time < b.time ? 1 : -1))
    return { checkpoints: pageIn(all, page), cursor: { ...page, total_count: all.length } }
  }

  weightsInfo({ tinker_path }: { readonly tinker_path: string }): object {
    const address = addressOf(tinker_path)
    this.#service.store.find(address)
    const { base_model, lora } = this.#service.store.run(address.run)
    return {
      base_model,
      is_lora: lora !== null,
      lora_rank: lora?.rank ?? null,
      train_attn: lora?.train_attn ?? null,
      train_mlp: lora?.train_mlp ?? null,
      train_unembed: lora === null ? null : false,
    }
  }

  sessions(page: Page): object {
    const ids = this.#service.sessions.all.map(({ id }) => id)
    return { sessions: pageIn(ids, page), cursor: { ...page, total_count: ids.length } }
  }

  session(id: string): object {
    const session = this.#service.sessions.find(id)
    return {
      training_run_ids: [...session.trainings.keys()],
      sampler_ids: [...session.samplings.keys()],
      user_metadata: session.metadata,
    }
  }

  remove(address: Address): void {
    this.#service.store.remove(address)
  }

  /** A link to a checkpoint's files, below `/downloads/`. @throws RequestError if there is no such checkpoint. */
  link(address: Address): {
    readonly token: string
    readonly files: readonly string[]
    readonly expires: Date
  } {
    const files = filesIn(this.#service.store.find(address))
    const now = Date.now()
    for (const [token, { until }] of this.#links) if (until < now) this.#links.delete(token)
    const token = randomBytes(24).toString('base64url')
    const until = now + this.#service.limits.link
    this.#links.set(token, { address, until })
    return { token, files, expires: new Date(until) }
  }

  /** What a link leads to: one file or, without a name, all of them as a tar archive. */
  download(token: string, name: string | null): Response {
    const link = this.#links.get(token)
    if (!link || link.until < Date.now())
      throw new RequestError('gone', 'this link is not valid, or no longer; ask for another one')
    const folder = this.#service.store.find(link.address)
    const files = filesIn(folder)
    if (name !== null) {
      if (!files.includes(name))
        throw new RequestError('notFound', `the checkpoint has no file ${JSON.stringify(name)}`)
      return stream(createReadStream(join(folder, name)), { 'content-type': 'application/octet-stream' })
    }
    return stream(Readable.from(archived({ cwd: folder, portable: true }, files)), {
      'content-type': 'application/x-tar',
      'content-disposition': `attachment; filename="${link.address.name}.tar"`,
    })
  }

  #run({ training_run_id, base_model, lora, user_metadata, last_request_time }: RunRecord): object {
    const checkpoints = this.#service.store.checkpoints(training_run_id)
    const newest = (kind: Kind) =>
      checkpoints.findLast(({ checkpoint_type }) => checkpoint_type === KINDS[kind]) ?? null
    return {
      training_run_id,
      base_model,
      model_owner: 'local',
      is_lora: lora !== null,
      lora_rank: lora?.rank ?? null,
      corrupted: false,
      last_request_time,
      last_checkpoint: newest('weights'),
      last_sampler_checkpoint: newest('sampler_weights'),
      user_metadata,
    }
  }
}

const pageIn = <T>(all: readonly T[], { limit, offset }: Page): T[] => all.slice(offset, offset + limit)

const stream = (readable: Readable, headers: Record<string, string>): Response =>
  new Response(Readable.toWeb(readable) as ReadableStream<Uint8Array>, { headers })

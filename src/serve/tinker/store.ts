import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { onDisk } from '../../common/files/disk.ts'
import {
  makeFolder,
  removeTemporaryFolders,
  writeFolderAtomically,
  writeText,
} from '../../common/files/files.ts'
import { readJsonObject, writeJson } from '../../models/json-file.ts'
import type { Checkpoint } from '../../tinker/protocol/index.ts'
import { RequestError } from '../problem.ts'

/** What a training run is, as it is kept on the disk. */
export interface RunRecord {
  readonly training_run_id: string
  readonly base_model: string
  /** null: all weights are trained. */
  readonly lora: LoraRecord | null
  readonly user_metadata: Readonly<Record<string, unknown>> | null
  readonly last_request_time: string
}

export interface LoraRecord {
  readonly rank: number
  readonly alpha: number
  readonly train_attn: boolean
  readonly train_mlp: boolean
}

const lora = z.object({
  rank: z.int(),
  alpha: z.number(),
  train_attn: z.boolean(),
  train_mlp: z.boolean(),
})
const record: z.ZodType<RunRecord> = z.object({
  training_run_id: z.string(),
  base_model: z.string(),
  lora: lora.nullable(),
  user_metadata: z.record(z.string(), z.unknown()).nullable(),
  last_request_time: z.string(),
})

/** The kinds of saved weights: with the optimizer's state, for a sampler, and for other programs. */
export const KINDS = {
  weights: 'training',
  sampler_weights: 'sampler',
  external_weights: 'external',
} as const
export type Kind = keyof typeof KINDS

/** Where saved weights are. */
export interface Address {
  readonly run: string
  readonly kind: Kind
  readonly name: string
}

const RUN_FILE = 'run.json'
const CHECKPOINT_FILE = 'checkpoint.json'
/** An empty file by which clients tell that what they downloaded is whole. */
const COMPLETE = 'checkpoint_complete'
/** Weights of samplers that were given no name; they end with their session. */
const UNNAMED = 'unnamed'

/** Training runs and their checkpoints, a folder each: `RUN/weights/NAME`, `RUN/sampler_weights/NAME`. */
export class Store {
  readonly root: string

  /** @throws UserError if the folder cannot be made. */
  constructor(root: string) {
    this.root = resolve(root)
    onDisk('create', this.root, () => makeFolder(this.root))
    for (const run of this.#folders()) {
      removeTemporaryFolders(join(this.root, run))
      rmSync(join(this.root, run, UNNAMED), { recursive: true, force: true })
    }
  }

  /** Creates a run, or writes what has changed of it. */
  write(run: RunRecord): void {
    const folder = this.#runFolder(run.training_run_id)
    onDisk('create', folder, () => makeFolder(folder))
    writeJson(join(folder, RUN_FILE), run)
  }

  /** All runs, the newest first. */
  runs(): RunRecord[] {
    return this.#folders()
      .map((name) => this.#read(join(this.root, name)))
      .filter((run) => run !== null)
      .sort((a, b) => (a.last_request_time < b.last_request_time ? 1 : -1))
  }

  /** @throws RequestError if there is no such run. */
  run(id: string): RunRecord {
    const run = RUN.test(id) ? this.#read(this.#runFolder(id)) : null
    if (!run)
      throw new RequestError('notFound', `there is no training run ${JSON.stringify(id)}`, {
        field: 'training_run_id',
      })
    return run
  }

  /** The checkpoints of a run, the oldest first. @throws RequestError if there is no such run. */
  checkpoints(id: string): Checkpoint[] {
    this.run(id)
    return (Object.keys(KINDS) as Kind[])
      .flatMap((kind) =>
        list(join(this.#runFolder(id), kind))
          .filter((name) => NAME.test(name))
          .map((name) => this.describe({ run: id, kind, name })),
      )
      .sort((a, b) => (a.time < b.time ? -1 : 1))
  }

  describe(address: Address): Checkpoint {
    const folder = this.folder(address)
    const about = readJsonObject(join(folder, CHECKPOINT_FILE))
    return {
      checkpoint_id: `${address.kind}/${address.name}`,
      checkpoint_type: KINDS[address.kind],
      time: String(about.time),
      tinker_path: uriOf(address),
      size_bytes: filesIn(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0),
      public: false,
      user_metadata: (about.user_metadata ?? null) as Record<string, string> | null,
    } as Checkpoint
  }

  /** Where saved weights are on the disk. @throws RequestError if there are none. */
  find(address: Address): string {
    const folder = this.folder(address)
    if (!existsSync(join(folder, CHECKPOINT_FILE)))
      throw new RequestError('notFound', `there are no weights at ${uriOf(address)}`, { field: 'path' })
    return folder
  }

  folder({ run, kind, name }: Address): string {
    return join(this.#runFolder(run), kind, name)
  }

  has(address: Address): boolean {
    return existsSync(join(this.folder(address), CHECKPOINT_FILE))
  }

  /** Writes a checkpoint: `save` fills its folder. One of the same name is replaced. */
  async save(
    address: Address,
    metadata: Readonly<Record<string, string>> | null,
    save: (folder: string) => Promise<void>,
  ): Promise<void> {
    const folder = this.folder(address)
    onDisk('create', folder, () => makeFolder(join(folder, '..')))
    await writeFolderAtomically(folder, async (temporary) => {
      await save(temporary)
      writeJson(join(temporary, CHECKPOINT_FILE), {
        time: new Date().toISOString(),
        user_metadata: metadata,
      })
      writeText(join(temporary, COMPLETE), '')
    })
  }

  /** The folder for the weights of a sampler without a name. */
  async saveUnnamed(run: string, id: string, save: (folder: string) => Promise<void>): Promise<string> {
    const folder = join(this.#runFolder(run), UNNAMED, id)
    onDisk('create', folder, () => makeFolder(join(folder, '..')))
    await writeFolderAtomically(folder, save)
    return folder
  }

  /** @throws RequestError if there is no such checkpoint. */
  remove(address: Address): void {
    rmSync(this.find(address), { recursive: true, force: true })
  }

  #runFolder(id: string): string {
    return join(this.root, id.replaceAll(':', '_'))
  }

  #folders(): string[] {
    return list(this.root).filter((name) => existsSync(join(this.root, name, RUN_FILE)))
  }

  #read(folder: string): RunRecord | null {
    const path = join(folder, RUN_FILE)
    return existsSync(path) ? record.parse(readJsonObject(path)) : null
  }
}

/** The names of files and folders in a folder; none if it does not exist. */
const list = (folder: string): string[] =>
  existsSync(folder) ? onDisk('read', folder, () => readdirSync(folder)).sort() : []

/** The files of a checkpoint that others read. */
export const filesIn = (folder: string): string[] => list(folder).filter((name) => name !== CHECKPOINT_FILE)

/** Removes the weights of a sampler without a name. */
export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true })

/** Ids of runs, and names of checkpoints, become names of folders. */
const RUN = /^[\w-]+(:train:\d+)?$/
const NAME = /^[\w-][\w.-]{0,199}$/

/** @throws RequestError unless a checkpoint may have this name. */
export function checkName(name: string): void {
  if (!NAME.test(name))
    throw new RequestError(
      'invalid',
      `path: a checkpoint's name may have letters, digits, ".", "_" and "-", and must not begin with ".": not ${JSON.stringify(name)}`,
      { field: 'path' },
    )
}

/** Such as `tinker://RUN/weights/NAME`. */
export const uriOf = ({ run, kind, name }: Address): string => `tinker://${run}/${kind}/${name}`

/** @throws RequestError unless it is the address of saved weights; without a kind, it means those of a sampler. */
export function addressOf(uri: string): Address {
  const [, run, kind = 'sampler_weights', name] =
    /^tinker:\/\/([^/]+)\/(?:([^/]+)\/)?([^/]+)$/.exec(uri) ?? []
  if (
    run === undefined ||
    name === undefined ||
    !RUN.test(run) ||
    !NAME.test(name) ||
    !Object.hasOwn(KINDS, kind)
  )
    throw new RequestError(
      'invalid',
      `path: ${JSON.stringify(uri)} is no address of weights, such as tinker://RUN/weights/NAME or tinker://RUN/sampler_weights/NAME`,
      { field: 'path' },
    )
  return { run, kind: kind as Kind, name }
}

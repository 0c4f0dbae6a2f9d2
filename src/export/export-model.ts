import { existsSync, readdirSync, rmdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { UserError } from '../common/errors.ts'
import { freeBytes, onDisk } from '../common/files/disk.ts'
import { makeFolder } from '../common/files/files.ts'
import { stopwatch } from '../common/stopwatch.ts'
import { fileSize } from '../common/words.ts'
import { QUANT_NAMES } from '../models/gguf/write/mixture.ts'
import { planGguf } from './gguf.ts'
import { HF_QUANTS, planHf } from './hf.ts'
import type { CardFacts } from './model-card.ts'
import { planOllama } from './ollama/ollama.ts'
import { planOnnx } from './onnx/onnx.ts'
import { WEIGHT_TYPES } from './onnx/weights.ts'
import { type Plan, readSource, type Source, type Watch } from './source.ts'

interface Format {
  /** The kinds of weights that it can have; the first is the default. */
  readonly quants: readonly string[]
  /** It is a single file, with this ending. */
  readonly ending: string | null
  plan(source: Source, quant: string): Plan
}

/** A format and the function that plans it, which is called only with one of its own kinds of weights. */
const format = <Quant extends string>(
  quants: readonly Quant[],
  ending: string | null,
  plan: (source: Source, quant: Quant) => Plan,
): Format => ({ quants, ending, plan: (source, quant) => plan(source, quant as Quant) })

const ofGguf = ['f16' as const, ...QUANT_NAMES.filter((name) => name !== 'f16')]

/** What a model can be exported to. */
export const FORMATS: Readonly<Record<string, Format>> = {
  hf: format(HF_QUANTS, null, planHf),
  gguf: format(ofGguf, '.gguf', planGguf),
  onnx: format(WEIGHT_TYPES, null, planOnnx),
  ollama: format(ofGguf, null, planOllama),
}

export interface ExportRequest {
  /** The model's folder. */
  readonly folder: string
  /** One of `FORMATS`. */
  readonly to: string
  /** One of the format's `quants`; by default the first. */
  readonly quant?: string | undefined
  /** File or folder to write, by default named after the model, in the current folder. */
  readonly out?: string | undefined
  readonly facts: CardFacts
}

/** What an export wrote. */
export interface Exported {
  readonly path: string
  readonly quant: string
  readonly bytes: number
  readonly seconds: number
}

/**
 * Exports a model. What is written appears under its name once it is complete; a failed or interrupted export leaves
 * nothing.
 *
 * @throws UserError for a model or tokenizer that the format cannot hold, an unknown format or kind of weights, a path that
 * exists, and a disk that is full or too small; and the reason of `watch.signal`.
 */
export async function exportModel(request: ExportRequest, watch: Watch): Promise<Exported> {
  const seconds = stopwatch()
  const chosen = FORMATS[request.to]
  if (!chosen || !Object.hasOwn(FORMATS, request.to))
    throw new UserError(`unknown format ${request.to}; one of: ${Object.keys(FORMATS).join(', ')}`, 2)
  const quant = request.quant ?? chosen.quants[0]!
  if (!chosen.quants.includes(quant))
    throw new UserError(`${request.to} has no quantisation ${quant}; one of: ${chosen.quants.join(', ')}`, 2)
  const path = pathOf(request, quant, chosen)
  if (existsSync(path)) throw new UserError(`${path} exists: remove it, or choose another with --out`)
  const plan = chosen.plan(readSource(request.folder, request.to, request.facts), quant)
  const parent = dirname(path)
  const isNew = !existsSync(parent)
  onDisk('create', parent, () => makeFolder(parent))
  try {
    requireSpace(parent, plan.bytes)
    await plan.write(path, watch)
  } catch (error) {
    if (isNew && readdirSync(parent).length === 0) rmdirSync(parent)
    throw error
  }
  return { path, quant, bytes: bytesIn(path), seconds: seconds() }
}

function pathOf({ out, to, facts }: ExportRequest, quant: string, { ending }: Format): string {
  const name = ending === null ? `${facts.name}-${to}` : `${facts.name}-${quant}${ending}`
  if (out === undefined) return resolve(name)
  // A file goes into a folder that exists, or that does not look like a file.
  const isFolder =
    ending !== null && (statSync(out, { throwIfNoEntry: false })?.isDirectory() ?? !out.endsWith(ending))
  return isFolder ? resolve(out, name) : resolve(out)
}

/** @throws UserError if the disk has less space than is needed. */
function requireSpace(folder: string, bytes: number): void {
  const free = freeBytes(folder)
  if (free < bytes)
    throw new UserError(
      `the export takes ${fileSize(bytes)}, and the disk of ${folder} has ${fileSize(free)} left; make space, or choose another with --out`,
    )
}

/** The bytes of a file, or of all files in a folder. */
function bytesIn(path: string): number {
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.size
  return readdirSync(path).reduce((sum, name) => sum + bytesIn(join(path, name)), 0)
}

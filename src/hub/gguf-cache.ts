import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { UserError } from '../common/errors.ts'
import { conversions, ifPermitted, isKept, sourceOf, writeSource } from '../common/files/conversions.ts'
import { diskError, freeBytes, onDisk } from '../common/files/disk.ts'
import { flushTree, makeFolder } from '../common/files/files.ts'
import { withTilde } from '../common/files/paths.ts'
import { fileSize } from '../common/words.ts'
import { type GgufModel, openGgufModel } from '../models/gguf/read/convert.ts'
import { ggufParts } from '../models/gguf/read/gguf-file.ts'

/** Changes with what a conversion writes, so that earlier ones are not used. */
const FORMAT = 1
const TEMPORARY = '.tmp-'

/** Whether a path names a GGUF file. */
export const isGguf = (path: string): boolean => /\.gguf$/i.test(path)

/**
 * The folder of the model in a GGUF file, which is converted unless that was done before. A conversion belongs to the file's
 * path, size and time of its last change. When the file has changed, its earlier conversions are removed from the cache, except
 * those that runs or adapters refer to: these could not be made again.
 *
 * @param progress called with lines that say what is being converted, and where to.
 * @param signal when aborted, the conversion stops and nothing of it is left.
 * @throws The reason of the signal; UserError for a file that cannot be read or is not supported, and for a cache that is full or may not be written to.
 */
export async function ggufFolder(
  path: string,
  progress: (line: string) => void = () => {},
  signal?: AbortSignal,
): Promise<string> {
  const root = conversions()
  const folder = join(root, conversionName(path))
  if (existsSync(folder)) return folder
  const model = await openGgufModel(path)
  try {
    await convert(model, { path: resolve(ggufParts(path)[0]!), folder }, progress, signal)
  } catch (error) {
    signal?.throwIfAborted()
    const failure = diskError(error, 'write', folder)
    // Otherwise something is wrong with the file itself.
    if (!(failure instanceof UserError) || failure.message.startsWith(path)) throw failure
    throw new UserError(
      `${path} is converted once, to a folder of ${fileSize(model.size)} in ${root} (HF_HUB_CACHE sets another place), which failed: ${failure.message}`,
    )
  } finally {
    model.close()
  }
  return folder
}

/** The name of the folder for a file as it is now. */
function conversionName(path: string): string {
  const hash = createHash('sha256').update(`${FORMAT}\n`)
  const parts = ggufParts(path)
  for (const part of parts) {
    const { size, mtimeNs } = onDisk('read', part, () => statSync(part, { bigint: true }))
    hash.update(`${onDisk('read', part, () => realpathSync(part))}\n${size}\n${mtimeNs}\n`)
  }
  const stem = basename(parts[0]!).replace(/(-00001-of-\d{5})?\.gguf$/i, '')
  return `${stem.slice(0, 100)}-${hash.digest('hex').slice(0, 12)}`
}

/** Writes the folder under another name, then renames it. Another process may do the same meanwhile: the first one wins. */
async function convert(
  model: GgufModel,
  { path, folder }: { path: string; folder: string },
  progress: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const root = dirname(folder)
  makeFolder(root)
  removeAbandoned(root)
  removeEarlier(folder, path)
  const free = freeBytes(root)
  if (free < model.size) throw new UserError(`only ${fileSize(free)} are free there; make space`)
  const temporary = join(root, `${TEMPORARY}${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`)
  try {
    makeFolder(temporary)
    const shown = withTilde(root)
    const show = (bytes: number): void => {
      signal?.throwIfAborted()
      progress(
        `converting to ${shown}: ${Math.floor((100 * bytes) / model.size)} % of ${fileSize(model.size)}`,
      )
    }
    show(0)
    await model.write(temporary, show)
    writeSource(temporary, path)
    await flushTree(temporary)
    renameSync(temporary, folder)
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
}

/** Removes the conversions of what the file was before. Another process may be making `folder` meanwhile. */
function removeEarlier(folder: string, path: string): void {
  for (const name of readdirSync(dirname(folder))) {
    const other = join(dirname(folder), name)
    if (other === folder || name.startsWith(TEMPORARY) || sourceOf(other) !== path || isKept(other)) continue
    ifPermitted(() => rmSync(other, { recursive: true, force: true }))
  }
}

/** Removes what processes of this machine that no longer run have left behind. */
function removeAbandoned(root: string): void {
  for (const name of readdirSync(root)) {
    const prefix = `${TEMPORARY}${hostname()}-`
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN
    if (Number.isInteger(pid) && !isRunning(pid)) rmSync(join(root, name), { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

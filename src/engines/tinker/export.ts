import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { x as extract } from 'tar'
import { UserError } from '../../common/errors.ts'
import { makeFolder } from '../../common/files/files.ts'
import { ADAPTER_CONFIG } from '../../models/checkpoint/peft/adapter-config.ts'
import { ADAPTER_WEIGHTS } from '../../models/checkpoint/peft/adapters.ts'
import { nameOfBase } from '../../models/checkpoint/peft/find-base.ts'
import { SafetensorsFile } from '../../models/checkpoint/safetensors.ts'
import { makeFolders, settingFiles } from '../../models/checkpoint/setting-files.ts'
import { type TinkerClient, TinkerError } from '../../tinker/index.ts'

/**
 * Downloads weights that were saved for sampling: adapters as a PEFT folder on the local base model, all weights as a
 * Hugging Face folder, either with the tokenizer and the chat template of the model that was opened.
 *
 * @returns false if the server does not give its weights away.
 * @throws UserError if the archive holds neither.
 */
export async function downloadWeights(
  client: TinkerClient,
  uri: string,
  {
    base,
    settings,
    directory,
  }: {
    /** The local folder of the base model. */
    readonly base: string
    /** The folder of the model that was opened. */
    readonly settings: string
    readonly directory: string
  },
): Promise<boolean> {
  const [, run, name] = /^tinker:\/\/([^/]+)\/(?:.*\/)?([^/]+)$/.exec(uri) ?? []
  if (run === undefined || name === undefined) throw new UserError(`the server named its weights ${uri}`)
  let archive: Uint8Array
  try {
    archive = await client.download(run, name)
  } catch (error) {
    if (error instanceof TinkerError && [401, 403, 404, 405, 501].includes(error.status ?? 0)) return false
    throw error
  }
  makeFolder(directory)
  const temporary = mkdtempSync(join(tmpdir(), 'ruminate-tinker-'))
  try {
    const file = join(temporary, 'archive')
    writeFileSync(file, archive)
    await extract({ file, cwd: directory, filter: (_, entry) => 'type' in entry && entry.type === 'File' })
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  // the server may have put those of its own base model into the archive
  const files = settingFiles(settings).filter(([file]) => file !== 'config.json')
  makeFolders(
    directory,
    files.map(([file]) => file),
  )
  for (const [file, path] of files) copyFileSync(path, join(directory, file))
  if (existsSync(join(directory, ADAPTER_WEIGHTS))) completeAdapterConfig(directory, base)
  else if (!existsSync(join(directory, 'config.json')))
    throw new UserError(`the archive of ${uri} has neither ${ADAPTER_WEIGHTS} nor config.json`)
  return true
}

/** Some servers write no `target_modules`, for which PEFT takes two layers, and the base model by the server's own path. */
function completeAdapterConfig(directory: string, base: string): void {
  const path = join(directory, ADAPTER_CONFIG)
  const file = new SafetensorsFile(join(directory, ADAPTER_WEIGHTS))
  const modules = new Set<string>()
  for (const name of file.tensors.keys()) {
    const module = /([^.]+)\.lora_A\b/.exec(name)?.[1]
    if (module !== undefined) modules.add(module)
  }
  file.close()
  const { name, revision } = nameOfBase(base)
  const config = {
    bias: 'none',
    task_type: 'CAUSAL_LM',
    ...JSON.parse(readFileSync(path, 'utf8')),
    base_model_name_or_path: name,
    ...(revision !== null && { revision }),
    target_modules: [...modules].sort(),
  }
  writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`)
}

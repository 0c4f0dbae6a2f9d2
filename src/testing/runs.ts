import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RunStore } from '../runs/store.ts'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

/** Writes the tiny model that the golden numbers of fine-tuning are of, with its tokenizer, to a new folder. */
export function writeTinyModel(folder: string): string {
  mkdirSync(folder)
  for (const file of ['config.json', 'model.safetensors'])
    cpSync(path(`../stages/supervise/fixtures/sft/${file}`), join(folder, file))
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    cpSync(path(`../../models/miniature-base/${file}`), join(folder, file))
  return folder
}

/** The metrics of every step of a run, except those that measure time. */
export function measured(run: string): [name: string, value: number][][] {
  const store = RunStore.open(run)
  try {
    return Array.from({ length: store.info().step + 1 }, (_, step) =>
      Object.entries(store.metricsAt(step)).filter(([name]) => !/^(speed|time)\//.test(name)),
    )
  } finally {
    store.close()
  }
}

/** Runs `ruminate ARGS --json` from the sources, and kills it (SIGKILL) once it has written so many lines. */
export function runUntilKilled(args: readonly string[], lines: number): Promise<void> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', path('../cli/main.ts'), ...args, '--json'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
  let seen = 0
  child.stdout!.on('data', (chunk: Buffer) => {
    seen += chunk.toString().split('\n').length - 1
    if (seen >= lines) child.kill('SIGKILL')
  })
  return new Promise((resolve) => child.on('close', () => resolve()))
}

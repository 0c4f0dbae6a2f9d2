import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { convertedFrom } from '../../common/files/conversions.ts'
import { packageRoot } from '../../common/files/package.ts'
import { type CardFacts, ON_HUB } from '../../export/model-card.ts'
import { runOf } from '../../runs/find-run.ts'
import type { RunInfo } from '../../runs/rows.ts'
import { readInfo } from '../../runs/store.ts'
import { howMade } from './chat/origin.ts'
import { percent } from './output.ts'

/** What is known about the model in a folder: from the run that trained it, or else from its own model card. */
export function factsOf(folder: string): CardFacts {
  const run = runOf(folder)
  if (run === null)
    return {
      name: basename(publicName(folder)).replace(/\.gguf(@.*)?$/i, ''),
      license: licenseOf(folder),
      base: null,
      made: null,
      data: null,
      measures: [],
    }
  const info = readInfo(run)
  const { model, task, data } = info.settings as Record<string, unknown>
  const base = typeof model === 'string' ? model : null
  const source = [data, task].find((one) => typeof one === 'string') as string | undefined
  const [, step] = /^step-0*(\d+)$/.exec(basename(folder)) ?? []
  return {
    name: basename(run) + (step === undefined ? '' : `-step-${step}`),
    license: base === null ? null : licenseOf(base),
    base: base === null ? null : publicName(base),
    made: howMade(info),
    data: source === undefined ? null : publicName(source),
    measures: measuresOf(info),
  }
}

/** A name as others can use it: that of a model on the hub as it is, of a path its last part. */
function publicName(folder: string): string {
  const name = convertedFrom(folder) ?? folder
  const snapshot = /models--(.+?)--(.+?)[/\\]/.exec(name)
  if (snapshot) return `${snapshot[1]}/${snapshot[2]}`
  return ON_HUB.test(name) && !existsSync(name) ? name : basename(name)
}

/** The `license` in the header of a model card, or null. */
function licenseOf(folder: string): string | null {
  const places = [folder, dirname(folder), join(packageRoot(), 'models', folder)]
  const card = places.map((place) => join(place, 'README.md')).find((path) => existsSync(path))
  const header = card && /^---\r?\n(.*?)\r?\n---/s.exec(readFileSync(card, 'utf8'))?.[1]
  return (header && /^license:\s*["']?([\w.-]+)/m.exec(header)?.[1]) || null
}

const MEASURES = { passAt1: 'pass@1', accuracy: 'accuracy', loss: 'loss' } as const

/** What a run measured on held-out questions, before and after. */
function measuresOf({ recipe, result }: RunInfo): [string, string][] {
  const { before, after } = (result ?? {}) as Record<
    'before' | 'after',
    Record<string, unknown> | null | undefined
  >
  return Object.entries(MEASURES).flatMap(([key, name]): [string, string][] => {
    const [first, last] = [before?.[key], after?.[key]].map((value) =>
      typeof value !== 'number' ? null : key === 'loss' ? value.toFixed(3) : percent(value),
    )
    if (last == null) return []
    // The losses of reward models and of preference optimization are means over pairs.
    const unit = key === 'loss' && recipe === 'sft' ? ' in nats per token' : ''
    return [[`held-out ${name}${unit}`, first == null ? last : `${first} before, ${last} after`]]
  })
}

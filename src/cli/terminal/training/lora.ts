import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { shellWord } from '../../../common/shell.ts'
import { loadConfig } from '../../../models/checkpoint/directory.ts'
import { countTrained, type LoraSettings } from '../../../models/lora.ts'
import { modelWord, type NextStep } from '../next.ts'
import type { Output } from '../output.ts'

/** What a training with adapters is told to begin with. */
interface Started {
  readonly model: string
  readonly lora: LoraSettings | null
  /** The name of the setting of the learning rate, its value, and the preset's, which is meant for all weights. */
  readonly learningRate: { readonly setting: string; readonly value: number; readonly preset: number }
  /** Does the model get a new head, which is trained too? */
  readonly rewardHead?: boolean
}

/** Says what is trained, and advises a higher learning rate for adapters where it is the preset's. */
export function showLora(output: Output, { model, lora, learningRate, rewardHead = false }: Started): void {
  if (lora === null) return
  const config = loadConfig(model)
  const headed = rewardHead ? { ...config, head: 'score' as const } : config
  const [trained, all] = [countTrained(headed, lora), countTrained(headed, null)]
  const layers = lora.targets === 'all-linear' ? 'all linear layers' : lora.targets.join(', ')
  output.say(
    `LoRA of rank ${lora.rank}, alpha ${lora.alpha}, on ${layers}: ${count(trained)} values are trained, the ${count(all)} of the model stay as they are`,
  )
  const { setting, value, preset } = learningRate
  if (value === preset && value > 0)
    output.warn(
      `the learning rate ${value} is the preset's, which is meant for training all weights; adapters usually need about ten times as much: --set ${setting}=${Number((10 * value).toPrecision(3))}`,
    )
}

const count = (n: number): string => n.toLocaleString('en-US')

/** How to make a plain model of what was trained; nothing if all weights were. */
export const mergeStep = (model: string, lora: LoraSettings | null | undefined): NextStep[] =>
  lora
    ? [[`merge ${modelWord(model)} --out ${freeName(model)}`, 'write a plain model, without adapters']]
    : []

/** A name for the merged model of a run, as a word for the shell, that no file or folder here has yet. */
function freeName(model: string): string {
  const name = `${basename(dirname(model))}-merged`
  for (let n = 1; ; n++) {
    const free = n === 1 ? name : `${name}-${n}`
    if (!existsSync(free)) return shellWord(free)
  }
}

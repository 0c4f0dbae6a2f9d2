import type { ArgsDef } from 'citty'
import { engineNames } from '../../../engines/open.ts'
import type { Tree } from '../../../settings/layers.ts'
import { r1Settings } from '../../../settings/r1.ts'
import { zeroSettings } from '../../../settings/zero.ts'
import { integerOption, textOption, type Values } from '../arguments.ts'
import { columnsSettings, configOption, outputOptions } from '../options.ts'

/** Names for a help text, with the default marked: "grpo (default), dapo". */
export function listed(names: readonly string[], usual: string): string {
  return names.map((name) => (name === usual ? `${name} (default)` : name)).join(', ')
}

/** What accompanies a training, also one that is resumed. */
export const besideOptions = {
  studio: { type: 'boolean', description: 'open the studio, a local page that shows the run as it learns' },
  tensorboard: { type: 'boolean', description: "write the metrics to the run's folder for TensorBoard, too" },
} satisfies ArgsDef

/** Options of every command that trains. */
export const trainingOptions = {
  out: { type: 'string', valueHint: 'DIR', description: 'folder of the run (default: runs/<recipe>-<n>)' },
  seed: { type: 'string', valueHint: 'N', description: 'seed of all random numbers (default 0)' },
  config: configOption,
  set: {
    type: 'string',
    valueHint: 'a.b=c',
    description: 'one setting, e.g. checkpointEvery=10; may be repeated',
  },
  ...besideOptions,
  ...outputOptions,
} satisfies ArgsDef

export const threadsOption = {
  type: 'string',
  valueHint: 'N',
  description: 'threads (default: one per core, at most 8)',
} as const

export const engineOption = {
  type: 'string',
  valueHint: 'NAME',
  description: `where the model is computed: ${listed(engineNames, 'local')}`,
} as const

export const loraOption = {
  type: 'string',
  valueHint: 'RANK',
  description:
    'train low-rank adapters, e.g. of rank 16, in the place of all weights; they need about ten times the learning rate',
} as const

/** The setting that `loraOption` gives. */
export const loraSettings = (values: Values): Tree | undefined => {
  const rank = integerOption(values, 'lora', 1, undefined, ' (the rank)')
  return rank === undefined ? undefined : { rank }
}

/** Templates that a question can be put in. */
export const templateNames = zeroSettings.shape.template.unwrap().options

/** Options of every command that trains on the rows of a table, besides the columns and the model. */
export const tuningOptions = (presets: readonly string[]) =>
  ({
    engine: engineOption,
    lora: loraOption,
    epochs: {
      type: 'string',
      valueHint: 'N',
      description: 'passes over the data (default: set by the preset)',
    },
    preset: { type: 'string', valueHint: 'NAME', description: `scale: ${listed(presets, 'miniature')}` },
    threads: threadsOption,
    ...trainingOptions,
  }) as const satisfies ArgsDef

/** The settings that `tuningOptions` give. */
export const tuningSettings = (values: Values): Tree => ({
  model: textOption(values, 'model'),
  data: textOption(values, 'data'),
  columns: columnsSettings(values),
  engine: textOption(values, 'engine'),
  lora: loraSettings(values),
  epochs: integerOption(values, 'epochs', 1),
  preset: textOption(values, 'preset'),
  seed: integerOption(values, 'seed', 0),
  threads: integerOption(values, 'threads', 1, 1024),
})

/** Options of a run of several stages. */
export const stagedOptions = {
  task: {
    type: 'string',
    valueHint: 'NAME|FILE',
    description: 'reasoning questions (default: miniature)',
  },
  general: {
    type: 'string',
    valueHint: 'NAME|FILE',
    description: 'general prompts (default: miniature/general)',
  },
  preset: {
    type: 'string',
    valueHint: 'NAME',
    description: `scale: ${listed(r1Settings.shape.preset.unwrap().options, 'miniature')}`,
  },
  engine: engineOption,
  lora: loraOption,
  threads: threadsOption,
  ...trainingOptions,
} as const satisfies ArgsDef

/** The settings that `stagedOptions` give. */
export const stagedSettings = (values: Values) => ({
  task: textOption(values, 'task'),
  general: textOption(values, 'general'),
  lora: loraSettings(values),
  engine: textOption(values, 'engine'),
  preset: textOption(values, 'preset'),
  seed: integerOption(values, 'seed', 0),
  threads: integerOption(values, 'threads', 1, 1024),
})

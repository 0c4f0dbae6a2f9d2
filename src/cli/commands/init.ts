import { defineCommand } from 'citty'
import { engineNames } from '../../engines/open.ts'
import { EMBEDDED_BASE } from '../../hub/find-model.ts'
import { init as initialise } from '../../init/init.ts'
import { columnSettings } from '../../settings/fields.ts'
import { checkSettings } from '../../settings/layers.ts'
import { choiceOption, integerOption, textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { summarizeInit, watchInit } from '../terminal/init.ts'
import { columnsOption, columnsSettings, outputOf, outputOptions } from '../terminal/options.ts'
import { engineOption, templateNames, threadsOption } from '../terminal/training/options.ts'

export const init = command(
  defineCommand({
    meta: {
      name: 'init',
      description:
        'From a table of your own questions to a first run: checks the rows, asks the base some of them, says what will work, and writes a settings file',
    },
    args: {
      file: {
        type: 'positional',
        required: true,
        description: 'table: a file (JSONL, CSV, Parquet), a folder, or a dataset of the hub',
      },
      columns: columnsOption,
      model: {
        type: 'string',
        valueHint: 'DIR|GGUF|HUB_ID',
        description: `base model (default: the embedded ${EMBEDDED_BASE})`,
      },
      template: {
        type: 'string',
        valueHint: 'NAME',
        description: `prompt template: ${templateNames.join(' or ')}, the model's own (default: the one that the model was trained with)`,
      },
      questions: { type: 'string', valueHint: 'N', description: 'questions to ask the base (default 20)' },
      out: {
        type: 'string',
        valueHint: 'FILE',
        description: 'settings file to write (default ruminate.yaml)',
      },
      force: { type: 'boolean', description: 'replace the settings file if it exists' },
      seed: { type: 'string', valueHint: 'N', description: 'seed of all random numbers (default 0)' },
      engine: engineOption,
      threads: threadsOption,
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const report = await initialise({
      file: textOption(values, 'file')!,
      columns: checkSettings(columnSettings, columnsSettings(values)),
      model: textOption(values, 'model'),
      template: choiceOption(values, 'template', templateNames),
      questions: integerOption(values, 'questions', 1, 1000),
      out: textOption(values, 'out'),
      force: values.force === true,
      seed: integerOption(values, 'seed', 0),
      engine: choiceOption(values, 'engine', engineNames),
      threads: integerOption(values, 'threads', 1, 1024),
      ...watchInit(output),
    })
    summarizeInit(output, report)
  },
)

import { defineCommand } from 'citty'
import { UserError } from '../../common/errors.ts'
import { shellWord } from '../../common/shell.ts'
import { columnSettings } from '../../settings/fields.ts'
import { checkSettings } from '../../settings/layers.ts'
import { loadTable, TASKS } from '../../tasks/index.ts'
import { refuseOthers, textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import {
  columnsOption,
  columnsSettings,
  heldOutShareOf,
  heldOutShareOption,
  outputOf,
  outputOptions,
} from '../terminal/options.ts'
import { showTable, showTasks, watchTable } from '../terminal/tasks.ts'

const USAGES = { list: 'tasks', check: 'tasks check FILE' }

export const tasks = command(
  defineCommand({
    meta: {
      name: 'tasks',
      description:
        'List the tasks with a sample question of each; or check a table: unusable rows, duplicates, overlap, lengths',
    },
    args: {
      action: { type: 'positional', required: false, description: 'list (default) or check' },
      file: { type: 'positional', required: false, description: 'file, folder or hub dataset to check' },
      columns: columnsOption,
      'held-out-share': heldOutShareOption,
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const action = textOption(values, 'action') ?? 'list'
    if (action !== 'list' && action !== 'check')
      throw new UserError(`unknown action "${action}" of tasks: list, or check FILE`, 2)
    refuseOthers(values, action, USAGES, { columns: ['check'], 'held-out-share': ['check'] })
    const file = textOption(values, 'file')
    if (action === 'list') {
      if (file !== undefined)
        throw new UserError(
          `unexpected argument "${file}": \`ruminate tasks check ${shellWord(file)}\` checks a table`,
          2,
        )
      return showTasks(output)
    }
    if (!file) throw new UserError('which table? Name one, as in `ruminate tasks check questions.jsonl`', 2)
    if (TASKS.some(({ name }) => name === file))
      throw new UserError(`the task ${file} makes its own questions: there is no table to check`, 2)
    const columns = checkSettings(columnSettings, columnsSettings(values))
    const { issues, ...watch } = watchTable(output)
    showTable(
      output,
      file,
      await loadTable(file, { columns, heldOutShare: heldOutShareOf(values), ...watch }),
      issues,
    )
  },
)

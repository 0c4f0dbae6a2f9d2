import { defineCommand } from 'citty'
import pc from 'picocolors'
import { UserError } from '../../common/errors.ts'
import { checkSettings } from '../../settings/layers.ts'
import { columnSettings } from '../../settings/zero.ts'
import { BENCHMARKS, loadTable, TASKS } from '../../tasks/index.ts'
import { command } from '../command.ts'
import { textOption, type Values } from '../terminal/arguments.ts'
import { COLUMNS, columnsOption, outputOf, outputOptions } from '../terminal/options.ts'
import { type Output, table, truncate } from '../terminal/output.ts'

export const tasks = command(
  defineCommand({
    meta: {
      name: 'tasks',
      description:
        'List the tasks with a sample of each; or check a table: what cannot be used, duplicates, overlap, lengths',
    },
    args: {
      action: { type: 'positional', required: false, description: 'list (default) or check' },
      file: { type: 'positional', required: false, description: 'file, folder or hub dataset to check' },
      columns: COLUMNS,
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const action = textOption(values, 'action') ?? 'list'
    if (action === 'list') return list(output)
    if (action !== 'check') throw new UserError(`unknown action "${action}" of tasks: list, or check FILE`, 2)
    const file = textOption(values, 'file')
    if (!file) throw new UserError('which table? `ruminate tasks check questions.jsonl`', 2)
    await check(output, file, values)
  },
)

function list(output: Output): void {
  const made = TASKS.map((task) => ({ ...task, sample: task.heldOut({ count: 1 })[0]! }))
  for (const task of [...made, ...BENCHMARKS]) {
    const { name, description, sample } = task
    const dataset = 'dataset' in task ? { dataset: task.dataset, columns: task.columns } : {}
    output.emit({
      type: 'task',
      name,
      description,
      ...dataset,
      sample: { prompt: sample.prompt, gold: sample.gold },
    })
    if (output.json) continue
    const gold = sample.gold ? ` → ${sample.gold}` : ''
    output.result(`${pc.bold(name.padEnd(22))}${description}`)
    output.result(pc.dim(`  ${truncate(sample.prompt.replace(/\s+/g, ' '), 104 - gold.length)}${gold}`))
  }
  if (!output.json)
    output.result('\nor a table of your own: a file (.jsonl, .csv, .parquet), a folder, a dataset of the hub')
}

async function check(output: Output, file: string, values: Values): Promise<void> {
  const problems: string[] = []
  const found: Record<string, number> = { torn: 0, unreadable: 0, duplicate: 0, overlap: 0 }
  const { name, size, lengths, compared } = await loadTable(file, {
    columns: checkSettings(columnSettings, columnsOption(values)),
    warn: (message) => problems.push(message),
    progress: (line) => output.live(line),
    onIssue: ({ kind, ...issue }) => {
      found[kind]!++
      output.emit({ type: kind, ...issue })
    },
  })
  output.emit({ type: 'result', name, ...size, ...found, compared, lengths })
  if (output.json) return
  const count = (n: number): string => n.toLocaleString('en')
  output.result(`${file}: ${count(size.rows)} row${size.rows === 1 ? '' : 's'}\n`)
  output.result(
    table([
      ['training questions', count(size.training)],
      ['held-out questions', count(size.heldOut)],
      ['unusable rows', count(found.unreadable!)],
      ['duplicates', count(found.duplicate!)],
      ['overlap of the two', count(found.overlap!)],
    ]),
  )
  const measured = Object.entries(lengths).flatMap(([what, l]) =>
    l ? [[what, ...[l.min, l.median, l.p90, l.p99, l.max].map(count)]] : [],
  )
  output.result(`\n${table([['characters', 'least', 'median', '90 %', '99 %', 'most'], ...measured])}`)
  for (const problem of problems) output.result(`\n${pc.yellow('!')} ${problem.replace(`${file}: `, '')}`)
}

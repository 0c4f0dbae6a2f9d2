import { existsSync, realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { defineCommand } from 'citty'
import { UserError } from '../../common/errors.ts'
import { onDisk } from '../../common/files/disk.ts'
import { makeFolder } from '../../common/files/files.ts'
import { pathFromHere } from '../../common/files/paths.ts'
import { isRun } from '../../runs/store.ts'
import { isLoopback } from '../../serve/request/guard.ts'
import { studio as startStudio } from '../../serve/studio/studio.ts'
import { integerOption, listOption, textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { outputOf, outputOptions } from '../terminal/options.ts'
import { writeMessage } from '../terminal/output.ts'
import { untilStopped } from '../terminal/serve/until-stopped.ts'
import { openControl } from '../terminal/studio/control.ts'
import { openEvaluations } from '../terminal/studio/evaluations.ts'
import { questionReader } from '../terminal/training/question.ts'

const PORT = 8643

export const studio = command(
  defineCommand({
    meta: {
      name: 'studio',
      description:
        'Open a local page that shows the runs in a folder as they learn: curves, every response, and how thinking began. Ctrl-C stops the page, not the runs',
    },
    args: {
      runs: {
        type: 'positional',
        required: false,
        description: 'folder that holds the runs (default: runs)',
      },
      port: { type: 'string', valueHint: 'N', description: `port (default ${PORT}); 0 takes a free one` },
      host: {
        type: 'string',
        valueHint: 'ADDRESS',
        description:
          'address to listen on (default 127.0.0.1: this machine alone); with another one, the page shows nothing without the token in its address',
      },
      'allow-host': {
        type: 'string',
        valueHint: 'NAME,…',
        description: 'names of this server besides its addresses and localhost, such as ai.example.com',
      },
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const root = rootOf(textOption(values, 'runs') ?? 'runs')
    const server = await startStudio({
      root,
      host: textOption(values, 'host') ?? '127.0.0.1',
      port: integerOption(values, 'port', 0, 65_535) ?? PORT,
      hosts: listOption(values, 'allow-host') ?? [],
      control: openControl(root),
      evaluations: openEvaluations(root),
      question: questionReader,
      onFailure: (error) => {
        const text = error instanceof Error ? `${error.name}: ${error.message.split('\n')[0]}` : String(error)
        writeMessage(`error: the studio failed to answer: ${text}`)
        if (process.env.RUMINATE_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`)
      },
    })
    output.emit({ type: 'listening', url: server.page, port: server.port, runs: root })
    if (!output.json) output.result(`The studio of ${pathFromHere(root)} is at\n${server.page}`)
    if (!isLoopback(textOption(values, 'host') ?? '127.0.0.1'))
      output.warn('other machines can reach the studio: who has this address can read and start runs')
    output.say('Ctrl-C stops it; runs go on.')
    // the command that started it, to show what it trains, has ended
    if (process.connected) process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
    return await untilStopped(output, server)
  },
)

/** The folder of the runs; made where it is missing, so that the page is there before the first run. Of a run, the one around it. */
function rootOf(folder: string): string {
  const path = resolve(folder)
  if (!existsSync(path) && folder !== 'runs')
    throw new UserError(`there is no folder ${folder}; name the folder that holds the runs, such as runs`, 2)
  if (statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new UserError(`${folder} is a file; name the folder that holds the runs, such as runs`, 2)
  if (isRun(path)) return realpathSync(dirname(path))
  onDisk('create', path, () => makeFolder(path))
  return realpathSync(path)
}

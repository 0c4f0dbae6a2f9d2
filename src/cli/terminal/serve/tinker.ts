import type { ArgsDef } from 'citty'
import { UserError } from '../../../common/errors.ts'
import { EMBEDDED_BASE, EMBEDDED_R1_BASE, EMBEDDED_STUDENT, modelFolder } from '../../../hub/find-model.ts'
import { type Address, listen, type RunningServer } from '../../../serve/listen.ts'
import type { Log } from '../../../serve/log.ts'
import { isLoopback } from '../../../serve/request/guard.ts'
import { checkAddress } from '../../../serve/serve.ts'
import { createTinkerApp } from '../../../serve/tinker/app.ts'
import { BaseModels } from '../../../serve/tinker/base-models.ts'
import { TINKER_LIMITS } from '../../../serve/tinker/limits.ts'
import { Store } from '../../../serve/tinker/store.ts'
import { integerOption, listOption, textOption, type Values } from '../arguments.ts'
import type { Output } from '../output.ts'
import { accessOf, strategyOptions } from './options.ts'
import { requestLog } from './request-log.ts'
import { untilStopped } from './until-stopped.ts'

/** Of a server of the Tinker protocol alone. */
export const tinkerOptions = {
  tinker: {
    type: 'boolean',
    description:
      'serve the Tinker protocol instead, by which the Python SDK trains and samples; --model may then be several, separated by commas',
  },
  models: {
    type: 'string',
    valueHint: 'N',
    description: `with --tinker: models that are trained at a time (default ${TINKER_LIMITS.models})`,
  },
  out: {
    type: 'string',
    valueHint: 'DIR',
    description: 'with --tinker: folder for what clients save (default tinker)',
  },
} satisfies ArgsDef

/** What a server of the Tinker protocol has no use for. */
const OTHERS = [
  ...Object.keys(strategyOptions),
  ...[
    'name',
    'any-model',
    'temperature',
    'top-p',
    'top-k',
    'min-p',
    'max-tokens',
    'template-arguments',
    'parallel',
    'queue',
    'engine',
  ],
]

/** @throws UserError for an option that goes without --tinker only, or with it only. */
export function checkTinkerOptions(values: Values): void {
  const wrong = (values.tinker === true ? OTHERS : ['models', 'out']).find(
    (name) => values[name] !== undefined,
  )
  if (wrong !== undefined)
    throw new UserError(
      values.tinker === true
        ? `--${wrong} has no effect with --tinker: leave it out`
        : `--${wrong} needs --tinker`,
      2,
    )
}

/** Serves the local engine by the Tinker protocol, until it is stopped. @returns the exit code. */
export async function serveTinker(values: Values, output: Output, address: Address): Promise<number> {
  const access = accessOf(values)
  const limits = { ...TINKER_LIMITS, models: integerOption(values, 'models', 1, 64) ?? TINKER_LIMITS.models }
  await checkAddress(address, access.keys.length > 0 || values.insecure === true)
  const names = listOption(values, 'model') ?? [EMBEDDED_BASE, EMBEDDED_R1_BASE, EMBEDDED_STUDENT]
  const found: { name: string; folder: string }[] = []
  for (const name of names)
    found.push({
      name,
      folder: await modelFolder(name, (line) => output.live(line), {
        onCheckpoint: (line) => output.say(line),
      }),
    })
  const models = new BaseModels(found, { shares: isLoopback(address.host) })
  const store = new Store(textOption(values, 'out') ?? 'tinker')
  const app = createTinkerApp({ models, store, access, limits, log: withoutPolls(requestLog(output)) })
  try {
    const server = await listen(app, address, limits)
    greet(output, { server, models, store, hasKey: access.keys.length > 0 })
    return await untilStopped(output, server)
  } finally {
    await app.close()
  }
}

/** Clients ask every few seconds whether a result is there, and say that they are alive. */
const withoutPolls = (log: Log): Log => ({
  ...log,
  request: (entry) => {
    const isPoll = POLLS.includes(entry.route) && (entry.status < 400 || entry.status === 408)
    if (!isPoll) log.request(entry)
  },
})
const POLLS = ['/retrieve_future', '/session_heartbeat', '/telemetry', '/client/dynamic_config', '/healthz']

function greet(
  output: Output,
  {
    server,
    models,
    store,
    hasKey,
  }: { server: RunningServer; models: BaseModels; store: Store; hasKey: boolean },
): void {
  const { url, port } = server
  const names = models.all.map(({ name }) => name)
  output.emit({
    type: 'listening',
    protocol: 'tinker',
    url,
    port,
    models: names,
    folder: store.root,
    key: hasKey,
  })
  if (output.json) return
  output.prose(`${names.join(', ')}: served at ${url} by the Tinker protocol`)
  output.say()
  const local = url.replace(/\/\/(0\.0\.0\.0|\[::\])(?=:)/, '//127.0.0.1')
  output.aside(`  pip install tinker transformers
  export TINKER_BASE_URL=${local} TINKER_API_KEY=${hasKey ? 'tml-YOUR-KEY' : 'tml-any'}
  python
  >>> import tinker
  >>> service = tinker.ServiceClient()
  >>> model = service.create_lora_training_client("${names[0]}", rank=16)`)
  output.say()
  output.prose(`What clients save is in ${store.root}. What they do not save is lost when the server stops.`)
  output.say('Ctrl-C stops the server.')
}

import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { defineCommand } from 'citty'
import { engineNames } from '../../engines/open.ts'
import { EMBEDDED_BASE, modelFolder } from '../../hub/find-model.ts'
import { generatorOf } from '../../providers/generator.ts'
import { openModel, readModelName } from '../../providers/open-model.ts'
import { dialects } from '../../serve/dialects/index.ts'
import { LIMITS } from '../../serve/limits.ts'
import { openResponder } from '../../serve/respond/responder.ts'
import { checkAddress, serve as startServer } from '../../serve/serve.ts'
import {
  choiceOption,
  integerOption,
  listOption,
  numberOption,
  shareOption,
  textOption,
} from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { sayLanguagePart } from '../terminal/language-part.ts'
import {
  outputOf,
  outputOptions,
  refuseLocal,
  templateArguments,
  templateArgumentsOption,
  truncationOptions,
} from '../terminal/options.ts'
import { greet } from '../terminal/serve/greet.ts'
import { accessOf, accessOptions, strategyOf, strategyOptions } from '../terminal/serve/options.ts'
import { requestLog } from '../terminal/serve/request-log.ts'
import { checkTinkerOptions, serveTinker, tinkerOptions } from '../terminal/serve/tinker.ts'
import { untilStopped } from '../terminal/serve/until-stopped.ts'
import { engineOption } from '../terminal/training/options.ts'

export const serve = command(
  defineCommand({
    meta: {
      name: 'serve',
      description:
        'Serve a model, of this machine or of a provider, to the clients of OpenAI, Anthropic and Ollama. Its thinking is apart from its answer. Ctrl-C lets running requests end; a second one quits at once',
    },
    args: {
      model: {
        type: 'string',
        valueHint: 'DIR|GGUF|HUB_ID|PROVIDER:NAME',
        description: `model, run or a provider's model (default: ${EMBEDDED_BASE})`,
      },
      port: { type: 'string', valueHint: 'N', description: 'port (default 8642); 0 takes a free one' },
      ...accessOptions,
      name: {
        type: 'string',
        valueHint: 'NAME,…',
        description: "names by which clients ask for the model (default: the model's)",
      },
      'any-model': { type: 'boolean', description: 'answer requests for every other model, too' },
      ...strategyOptions,
      temperature: {
        type: 'string',
        valueHint: 'T',
        description: "where a request gives none (default: the model's)",
      },
      ...truncationOptions,
      'max-tokens': {
        type: 'string',
        valueHint: 'N',
        description: 'longest response where a request gives none (default: as long as there is room)',
      },
      'template-arguments': templateArgumentsOption,
      parallel: {
        type: 'string',
        valueHint: 'N',
        description: `responses written at a time (default ${LIMITS.running})`,
      },
      queue: {
        type: 'string',
        valueHint: 'N',
        description: `requests that may wait; further ones are told to come back (default ${LIMITS.waiting})`,
      },
      engine: engineOption,
      ...tinkerOptions,
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const address = {
      host: textOption(values, 'host') ?? '127.0.0.1',
      port: integerOption(values, 'port', 0, 65_535) ?? 8642,
    }
    checkTinkerOptions(values)
    if (values.tinker === true) return serveTinker(values, output, address)
    const name = textOption(values, 'model') ?? EMBEDDED_BASE
    const access = accessOf(values)
    const insecure = values.insecure === true
    const { spec, reward, judge } = strategyOf(values)
    const defaults = {
      temperature: numberOption(values, 'temperature', 0, 10),
      topK: integerOption(values, 'top-k', 0),
      topP: shareOption(values, 'top-p', { whole: true }),
      minP: numberOption(values, 'min-p', 0, 1),
      maxTokens: integerOption(values, 'max-tokens', 1),
    }
    const limits = {
      running: integerOption(values, 'parallel', 1, 1024) ?? LIMITS.running,
      waiting: integerOption(values, 'queue', 0, 100_000) ?? LIMITS.waiting,
    }
    const engine = choiceOption(values, 'engine', engineNames)
    const isLocal = readModelName(name).kind === 'local'
    if (!isLocal) refuseLocal(values, name)
    await checkAddress(address, access.keys.length > 0 || insecure)

    output.live('opening the model')
    const model = await openModel(name, {
      engine,
      chat: { arguments: templateArguments(values) },
      schedule: 'continuous',
      concurrency: limits.running,
      onCheckpoint: (line) => output.say(line),
      notice: (line) => output.live(line),
    })
    try {
      if (isLocal) sayLanguagePart(output, await modelFolder(name, undefined, { onCheckpoint: () => {} }))
      const chooser =
        judge === undefined
          ? undefined
          : generatorOf(await openModel(judge, { engine, schedule: 'continuous' }), { temperature: 0 })
      const responder = await openResponder(model, { spec, reward, judge: chooser, engine, defaults })
      try {
        const names = listOption(values, 'name') ?? [servedName(name)]
        const server = await startServer({
          ...address,
          insecure,
          responder,
          served: {
            names,
            anyName: values['any-model'] === true,
            created: Math.floor(Date.now() / 1000),
            identity: responder.withWish({ effort: null, budget: null }).identity,
            countPrompt: model.countPrompt?.bind(model) ?? null,
            can: { ...model.can, budget: model.can.prefix },
          },
          dialects,
          access,
          limits,
          log: requestLog(output),
        })
        greet(output, { server, names, dialects, spec, hasKey: access.keys.length > 0 })
        return await untilStopped(output, server)
      } finally {
        await responder.close()
        await chooser?.close()
      }
    } finally {
      await model.close()
    }
  },
)

/** A path on this machine is nobody else's business. */
const servedName = (name: string): string => (existsSync(resolve(name)) ? basename(resolve(name)) : name)

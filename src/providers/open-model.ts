import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { UserError } from '../common/errors.ts'
import { nearest } from '../common/nearest.ts'
import type { SamplerOptions } from '../engines/contract.ts'
import type { EngineName } from '../engines/open.ts'
import { modelFolder } from '../hub/find-model.ts'
import type { TemplateSettings } from '../renderer/chat-template.ts'
import type { PromptTemplate } from '../renderer/renderer.ts'
import type { TextModel } from '../thinking/model.ts'
import { baseUrlOf, endpointOf, keyOf, keyVariableOf } from './api/address.ts'
import { type ApiSettings, apiModel } from './api/client.ts'
import { ALIASES, PROVIDERS, type Provider } from './api/presets.ts'
import { openLocalTextModel } from './local/text-model.ts'
import { Account, type MeteredModel, metered, type Prices } from './spending.ts'

/** How a model is opened. Fields that do not concern it, because it is local or because it is not, are ignored. */
export interface OpenModelOptions
  extends Pick<ApiSettings, 'stream' | 'extra' | 'format' | 'concurrency' | 'limits' | 'retry' | 'signal'> {
  /** A provider's address in the place of its usual one; see `baseUrlOf`. */
  readonly baseUrl?: string | undefined
  /** The environment variable that holds a provider's key in the place of its usual one; `null`: it needs none. */
  readonly keyVariable?: string | null | undefined
  readonly prices?: Prices | null | undefined
  /** Where a local model is computed, and with how many threads. */
  readonly engine?: EngineName | undefined
  readonly threads?: number | undefined
  /** Arguments and date of a local model's chat template. */
  readonly chat?: Partial<TemplateSettings> | undefined
  /** By default the template that a local model was trained with. */
  readonly template?: PromptTemplate | undefined
  /** How requests share a local model's decoder; `continuous` for servers and conversations. By default `batch`. */
  readonly schedule?: SamplerOptions['schedule']
  /** Called where a run has not finished, with a line that says which checkpoint is used; without it, that is an error. */
  readonly onCheckpoint?: ((line: string) => void) | undefined
  /** Called with progress and with failed attempts, one line each. */
  readonly notice?: ((line: string) => void) | undefined
}

/**
 * Opens a model by its name: a folder, a run or a model of the hub, which is computed on this machine, or `PROVIDER:NAME`, a
 * model behind an API. Whoever opens it closes it.
 *
 * @throws UserError if there is no such model or provider, the key is not set, or the model cannot be read.
 *
 * @example
 * const model = await openModel('ollama:deepseek-r1:7b')
 * const { thinking, answer } = await collect(model.respond({ messages, seed: 0, whole: true }))
 */
export async function openModel(name: string, options: OpenModelOptions = {}): Promise<MeteredModel> {
  const read = readModelName(name)
  const account = new Account(options.prices ?? null)
  return read.kind === 'provider'
    ? metered(openProvider(read.provider, read.model, options, account), account)
    : metered(await openLocal(read.name, options), account)
}

async function openLocal(
  name: string,
  { notice, onCheckpoint, engine, threads, chat, template, schedule }: OpenModelOptions,
): Promise<TextModel> {
  const model = await modelFolder(name, notice, onCheckpoint ? { onCheckpoint } : {})
  return openLocalTextModel({ model, name, engine, threads, chat, template, schedule })
}

function openProvider(
  provider: Provider,
  model: string,
  { notice = () => {}, ...options }: OpenModelOptions,
  account: Account,
): TextModel {
  const { stream, extra, format, concurrency, limits, retry, signal } = options
  return apiModel({
    ...checkProvider(provider, options),
    model,
    stream,
    extra,
    format,
    concurrency,
    limits,
    retry,
    signal,
    onFailure(line) {
      account.failed++
      notice(line)
    },
  })
}

/**
 * A provider with its address and the variable of its key.
 *
 * @throws UserError if the key is not set, or the address cannot be used.
 */
export function checkProvider(
  provider: Provider,
  { baseUrl, keyVariable }: Pick<OpenModelOptions, 'baseUrl' | 'keyVariable'>,
): Pick<ApiSettings, 'provider' | 'baseUrl' | 'keyVariable'> {
  const { url, own } = baseUrlOf(provider, baseUrl)
  endpointOf(url, '')
  const variable = keyVariable === undefined ? keyVariableOf(provider, own) : keyVariable
  keyOf(variable)
  return {
    provider: own ? provider : { ...provider, ...provider.elsewhere },
    baseUrl: url,
    keyVariable: variable,
  }
}

/** What a name of a model means. */
export type ModelName =
  | { readonly kind: 'local'; readonly name: string }
  | { readonly kind: 'provider'; readonly provider: Provider; readonly model: string }

/**
 * Reads the name of a model. What exists on disk by this name is local; so is a Windows path (`C:\…`), an address on the hub
 * (`https://…`), and everything without a colon, or with a slash or an `@` before it. Otherwise the part before the first colon names a provider, and the
 * rest is the provider's name of the model, with all its colons and slashes.
 *
 * @throws UserError if there is no such provider, or no name of a model.
 */
export function readModelName(name: string): ModelName {
  if (existsSync(resolve(name)) || /^([a-z]:[\\/]|https?:\/\/)/i.test(name)) return { kind: 'local', name }
  const [, before, model] = /^([^:/\\@]*):(.*)$/s.exec(name) ?? []
  if (before === undefined || model === undefined) {
    if (providerOf(name) === null) return { kind: 'local', name }
    throw new UserError(`${name} is a provider: name one of its models, as in ${name}:MODEL`, 2)
  }
  const provider = providerOf(before)
  const names = Object.keys(PROVIDERS)
  if (provider === null) {
    const similar = nearest(before.toLowerCase(), [...names, ...Object.keys(ALIASES)])
    throw new UserError(
      `there is no provider ${before}${similar === null ? '' : ` (did you mean ${similar}:${model}?)`}; the providers are ${names.join(', ')}`,
      2,
    )
  }
  if (model.trim() === '')
    throw new UserError(`${name} names no model: write it after the colon, as in ${provider.name}:MODEL`, 2)
  return { kind: 'provider', provider, model: model.trim() }
}

function providerOf(name: string): Provider | null {
  const lower = name.toLowerCase()
  const key = ALIASES[lower] ?? lower
  return Object.hasOwn(PROVIDERS, key) ? PROVIDERS[key]! : null
}

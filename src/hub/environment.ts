import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../common/errors.ts'
import { onDisk } from '../common/files/disk.ts'
import { expand, hubHome } from '../common/files/hub-cache.ts'

/*
 * The environment variables of Hugging Face's own tools, read as they read them
 * (huggingface.co/docs/huggingface_hub/package_reference/environment_variables).
 */

/**
 * Address of the hub: `HF_ENDPOINT`, or huggingface.co.
 *
 * @throws UserError if `HF_ENDPOINT` is not an http(s) address.
 */
export function hubEndpoint(): string {
  const endpoint = (process.env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '')
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint))
    throw new UserError(
      `HF_ENDPOINT is "${endpoint}"; it must be an address such as https://huggingface.co`,
      2,
    )
  return endpoint
}

/** The variable that forbids the network, `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`; null if it is allowed. */
export function offlineVariable(): string | null {
  // The second counts only if the first is not set at all.
  const name = process.env.HF_HUB_OFFLINE ? 'HF_HUB_OFFLINE' : 'TRANSFORMERS_OFFLINE'
  return isTrue(process.env[name]) ? name : null
}

/** The user's token, and where it was found. */
export interface HubToken {
  readonly value: string
  /** A variable or a file, for messages. */
  readonly source: string
}

/**
 * The token of `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN` (its older name), or the file where `hf auth login` stores it:
 * `HF_TOKEN_PATH`, or `token` in `HF_HOME`. Null if there is none, or `HF_HUB_DISABLE_IMPLICIT_TOKEN` is set.
 *
 * @throws UserError if the file cannot be read.
 */
export function hubToken(): HubToken | null {
  if (isTrue(process.env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return null
  for (const source of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN']) {
    const value = process.env[source]?.trim()
    if (value) return { value, source }
  }
  const file = expand(process.env.HF_TOKEN_PATH || join(hubHome(), 'token'))
  const value = existsSync(file) ? onDisk('read', file, () => readFileSync(file, 'utf8')).trim() : ''
  return value ? { value, source: file } : null
}

const isTrue = (value: string | undefined): boolean => /^(1|on|yes|true)$/i.test(value ?? '')

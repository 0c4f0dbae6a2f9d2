import { homedir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../common/errors.ts'

/** A model or a dataset of the Hugging Face hub. */
export interface Repository {
  readonly kind: 'model' | 'dataset'
  /** `owner/name`. */
  readonly id: string
  /** A branch, a tag or a commit. */
  readonly revision: string
}

/** Parses `owner/name`, optionally followed by a `/path` inside it and `@revision`; null if `text` is no such name. */
export function readHubName(text: string): { id: string; path: string; revision: string } | null {
  const match = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:\/([^@]+))?(?:@([\w./-]+))?$/.exec(text)
  return match ? { id: match[1]!, path: match[2] ?? '', revision: match[3] ?? 'main' } : null
}

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

/** The folder for downloads, chosen as Hugging Face's own tools do: `HF_HUB_CACHE`, `HF_HOME/hub`, or the user's cache. */
export function hubCache(): string {
  const { HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = process.env
  if (HF_HUB_CACHE) return HF_HUB_CACHE
  return join(HF_HOME || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface'), 'hub')
}

/** A repository's folder in the cache: `refs/<revision>` names a commit, `snapshots/<commit>/` holds its files. */
export function cacheFolder({ kind, id }: Repository): string {
  return join(hubCache(), `${kind}s--${id.replace('/', '--')}`)
}

/** Address of a repository's page in a browser. */
export function pageOf({ kind, id }: Repository): string {
  return `${hubEndpoint()}/${kind === 'dataset' ? 'datasets/' : ''}${id}`
}

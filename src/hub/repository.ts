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

/** `owner/name`, then optionally `/path` inside it and `@revision`. `null`: not such a name. */
export function readHubName(text: string): { id: string; path: string; revision: string } | null {
  const match = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:\/([^@]+))?(?:@([\w./-]+))?$/.exec(text)
  return match ? { id: match[1]!, path: match[2] ?? '', revision: match[3] ?? 'main' } : null
}

/**
 * Address of the hub: `HF_ENDPOINT`, or huggingface.co.
 *
 * @throws UserError where `HF_ENDPOINT` is no address.
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

/** Where downloads are kept, as Hugging Face's own tools have it: `HF_HUB_CACHE`, `HF_HOME/hub`, or the user's cache. */
export function hubCache(): string {
  const { HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = process.env
  if (HF_HUB_CACHE) return HF_HUB_CACHE
  return join(HF_HOME || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface'), 'hub')
}

/** A repository's folder in the cache: `refs/<revision>` names a commit, `snapshots/<commit>/` holds its files. */
export function cacheFolder({ kind, id }: Repository): string {
  return join(hubCache(), `${kind}s--${id.replace('/', '--')}`)
}

/** The page of a repository, for people. */
export function pageOf({ kind, id }: Repository): string {
  return `${hubEndpoint()}/${kind === 'dataset' ? 'datasets/' : ''}${id}`
}

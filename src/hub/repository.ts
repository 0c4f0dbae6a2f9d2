import { join } from 'node:path'
import { hubCache } from '../common/files/hub-cache.ts'
import { hubEndpoint } from './environment.ts'

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

/** A repository's folder in the cache: `refs/<revision>` names a commit, `snapshots/<commit>/` holds its files. */
export function cacheFolder({ kind, id }: Repository): string {
  return join(hubCache(), `${kind}s--${id.replace('/', '--')}`)
}

/** Address of a repository's page in a browser. */
export function pageOf({ kind, id }: Repository): string {
  return `${hubEndpoint()}/${kind === 'dataset' ? 'datasets/' : ''}${id}`
}

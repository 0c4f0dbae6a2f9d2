import { useEffect, useState } from 'preact/hooks'
import { withQuery } from '../api/client.ts'
import { epoch } from '../api/live.ts'
import { type Resource, useResource } from '../api/use-resource.ts'

/** A list that the server gives page by page. */
export interface Pages<Item, Page> {
  readonly items: readonly Item[]
  /** The newest page that was read. */
  readonly page: Resource<Page>
  /** The first page, which says how many there are; null until it is read. */
  readonly first: Page | null
  /** Is a page being read, or a search going on? */
  readonly isReading: boolean
  /** Asks for the next page; null if there is none, or it is being read. */
  readonly more: (() => void) | null
  /** Reads the list again; null where further pages have been read, which would move under the reader. */
  readonly renew: (() => void) | null
}

interface State<Item, Page> {
  readonly key: string
  readonly before: readonly Item[]
  readonly first: Page | null
  readonly cursor: string | null
}

/**
 * Reads the first page of `path`, and further ones when they are asked for. Another path begins anew. A search gives empty pages
 * while it has found nothing; then it goes on by itself.
 */
export function usePages<Item, Page extends { readonly next: string | null }>(
  path: string,
  itemsOf: (page: Page) => readonly Item[],
): Pages<Item, Page> {
  const key = `${epoch.value} ${path}`
  const nothing: State<Item, Page> = { key, before: [], first: null, cursor: null }
  const [state, setState] = useState(nothing)
  const current = state.key === key ? state : nothing
  const page = useResource<Page>(current.cursor === null ? path : withCursor(path, current.cursor))
  const read = page.data !== null && !page.reading ? page.data : null
  const found = read ? itemsOf(read) : []
  const items = [...current.before, ...found]
  const first = current.first ?? read
  const next = read?.next ?? null
  const isSearching = next !== null && found.length === 0
  const goOn = () => setState({ key, before: items, first, cursor: next })
  // A page that is empty, and is not the last, is no answer yet.
  useEffect(() => {
    if (isSearching) goOn()
  }, [isSearching, next])
  return {
    items,
    page,
    first,
    isReading: page.reading || isSearching,
    more: next === null || isSearching ? null : goOn,
    renew: current.cursor === null ? page.reload : null,
  }
}

const withCursor = (path: string, cursor: string): string =>
  path.includes('?') ? `${path}&${new URLSearchParams({ cursor })}` : withQuery(path, { cursor })

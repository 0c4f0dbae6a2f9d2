import { useEffect, useState } from 'preact/hooks'
import { withQuery } from '../api/client.ts'
import { epoch } from '../api/live.ts'
import { type Resource, useResource } from '../api/use-resource.ts'

/** A list that the server gives page by page. */
export interface Pages<Item, Page> {
  readonly items: readonly Item[]
  /** The newest page that was read. */
  readonly page: Resource<Page>
  /** Asks for the next page; null if there is none, or it is being read. */
  readonly more: (() => void) | null
}

/** Reads the first page of `path`, and further ones when they are asked for. Another path begins anew. */
export function usePages<Item, Page extends { readonly next: string | null }>(
  path: string,
  itemsOf: (page: Page) => readonly Item[],
): Pages<Item, Page> {
  const [state, setState] = useState<{ key: string; before: readonly Item[]; cursor: string | null }>({
    key: '',
    before: [],
    cursor: null,
  })
  const key = `${epoch.value} ${path}`
  const current = state.key === key ? state : { key, before: [], cursor: null }
  const page = useResource<Page>(current.cursor === null ? path : withCursor(path, current.cursor))
  useEffect(() => {
    if (state.key !== key) setState({ key, before: [], cursor: null })
  }, [state.key, key])
  const isRead = page.data !== null && !page.reading
  const items = [...current.before, ...(isRead ? itemsOf(page.data!) : [])]
  const next = isRead ? page.data!.next : null
  return {
    items,
    page,
    more: next === null ? null : () => setState({ key, before: items, cursor: next }),
  }
}

const withCursor = (path: string, cursor: string): string =>
  path.includes('?') ? `${path}&${new URLSearchParams({ cursor })}` : withQuery(path, { cursor })

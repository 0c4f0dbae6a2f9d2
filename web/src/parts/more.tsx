import type { ComponentChildren } from 'preact'
import type { Pages } from '../api/use-pages.ts'
import { Read } from './notice.tsx'

interface Props<Item, Page> {
  readonly of: Pages<Item, Page>
  /** What the items are, such as "the rows". */
  readonly what: string
  /** How many a further page has. */
  readonly size: number
  /** What is shown where there is none. */
  readonly empty: ComponentChildren
  readonly children: (items: readonly Item[]) => ComponentChildren
}

/** A list that is read page by page, with a button that reads the next one. */
export function More<Item, Page>({ of: pages, what, size, empty, children }: Props<Item, Page>) {
  const { items, page, isReading, more } = pages
  return (
    <Read of={page} what={what}>
      {() =>
        items.length === 0 && !isReading ? (
          empty
        ) : (
          <>
            {children(items)}
            {more && (
              <button type="button" onClick={more}>
                Show {size} more
              </button>
            )}
          </>
        )
      }
    </Read>
  )
}

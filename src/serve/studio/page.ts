import type { Hono } from 'hono'
import { RequestError } from '../problem.ts'
import { type Access, publicly, secured } from './api.ts'
import { noPage, pageFile } from './page-file.ts'

/** The page itself, in a folder of files, at `/studio/`. */
export function pageRoutes(hono: Hono, folder: string, access: Access): void {
  const toPage = publicly(
    () => secured(new Response(null, { status: 302, headers: { location: '/studio/' } })),
    access,
  )
  hono.get('/', toPage)
  hono.get('/studio', toPage)
  hono.get(
    '/studio/*',
    publicly((context) => {
      const path = context.req.path.slice('/studio/'.length)
      const found = pageFile(folder, path) ?? (path === '' ? noPage() : null)
      if (found) return found
      throw new RequestError('notFound', 'the page has no such file; it may have been built anew: reload it')
    }, access),
  )
}

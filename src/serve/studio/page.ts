import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join, sep } from 'node:path'
import { packageRoot } from '../../common/files/package.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
}

/** The folder of the built page. */
export const pageFolder = (): string => join(packageRoot(), 'dist', 'studio')

/**
 * What a browser may do with the page: run and show its own files, and ask this server. Nothing comes from elsewhere, no script
 * is in the page itself, no other page may frame it, and nothing may be sent anywhere.
 */
export const PAGE_HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/** Names of the files are hashes of what they contain. */
const FOREVER = 'public, max-age=31536000, immutable'

/**
 * A file of the page, by its path below the page's folder; '' is the page itself. Null if there is none: only what the folder
 * lists is sent, so no path leads out of it.
 */
export function pageFile(folder: string, path: string): Response | null {
  const name = path === '' ? 'index.html' : path
  if (!existsSync(folder)) return null
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .split(sep)
        .join('/'),
    )
  if (!names.includes(name)) return null
  return new Response(readFileSync(join(folder, name)), {
    headers: {
      ...PAGE_HEADERS,
      'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
      'cache-control': name.startsWith('assets/') ? FOREVER : 'no-cache',
    },
  })
}

/** What is shown where the page was not built. */
export const noPage = (): Response =>
  new Response('The page of the studio is not built: run `npm run build` in the folder of Ruminate.\n', {
    status: 503,
    headers: { ...PAGE_HEADERS, 'content-type': 'text/plain; charset=utf-8' },
  })

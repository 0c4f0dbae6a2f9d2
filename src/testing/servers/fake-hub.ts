import { createHash } from 'node:crypto'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join, relative } from 'node:path'

/** Responds to a request instead of the hub and returns true, or returns false. `body` is the requested file, if any. */
type Trick = (request: IncomingMessage, response: ServerResponse, body: Buffer | null) => boolean

/** For tests: a local server that responds like the Hugging Face hub. */
export class FakeHub {
  /** The commit of every branch. */
  commit = '0123456789abcdef0123456789abcdef01234567'
  /** "METHOD path range" of every request, in order. */
  readonly log: string[] = []
  /** May respond to a request before the hub does. */
  trick: Trick = () => false
  readonly #files = new Map<string, Map<string, Buffer>>()
  readonly #server = createServer((request, response) => this.#answer(request, response))

  /** Starts a hub and sets HF_ENDPOINT to its address. */
  static async start(): Promise<FakeHub> {
    const hub = new FakeHub()
    await new Promise<void>((resolve) => hub.#server.listen(0, '127.0.0.1', resolve))
    process.env.HF_ENDPOINT = `http://127.0.0.1:${(hub.#server.address() as AddressInfo).port}`
    return hub
  }

  /** Adds a repository; its path is `datasets/owner/name` or `owner/name`. */
  add(repository: string, files: Readonly<Record<string, string | Uint8Array>>): void {
    this.#files.set(
      repository,
      new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)])),
    )
  }

  /** Stops the server. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url!, 'http://hub')
    this.log.push([request.method, pathname, request.headers.range].filter(Boolean).join(' '))
    const api = /^\/api\/(models|datasets)\/([^/]+\/[^/]+)(?:\/revision\/(.+))?$/.exec(pathname)
    const file = /^\/((?:datasets\/)?[^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(pathname)
    const repository = api ? `${api[1] === 'datasets' ? 'datasets/' : ''}${api[2]}` : file?.[1]
    const files = this.#files.get(repository ?? '')
    const body = file ? (files?.get(decodeURIComponent(file[3]!)) ?? null) : null
    if (this.trick(request, response, body)) return
    const noRevision = api?.[3] && api[3] !== 'main' && api[3] !== this.commit
    if (!files) refuse(response, 401, 'RepoNotFound')
    else if (noRevision) refuse(response, 404, 'RevisionNotFound')
    else if (api) this.#describe(response, files)
    else if (!body) refuse(response, 404, 'EntryNotFound')
    else this.#send(request, response, body)
  }

  #send(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    response.writeHead(from ? 206 : 200, {
      'content-length': body.length - from,
      ...(from ? { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` } : {}),
    })
    response.end(body.subarray(from))
  }

  #describe(response: ServerResponse, files: ReadonlyMap<string, Buffer>): void {
    const siblings = [...files].map(([rfilename, content]) => ({
      rfilename,
      size: content.length,
      blobId: sha1(`blob ${content.length}\0`, content),
      ...(/\.(safetensors|parquet)$/.test(rfilename)
        ? { lfs: { sha256: createHash('sha256').update(content).digest('hex'), size: content.length } }
        : {}),
    }))
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ sha: this.commit, siblings }))
  }
}

/**
 * Fills a repository's folder in the cache as Python's huggingface_hub does: contents in `blobs/`, links to them in
 * `snapshots/<commit>/`, and the commit of a revision in `refs/`.
 */
export function writeHubCache(
  folder: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  { commit, ref = 'main' }: { commit: string; ref?: string | null },
): void {
  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
  }
  if (ref !== null) write(join(folder, 'refs', ref), commit)
  for (const [path, content] of Object.entries(files)) {
    const blob = join(folder, 'blobs', createHash('sha256').update(content).digest('hex'))
    write(blob, content)
    const link = join(folder, 'snapshots', commit, path)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(relative(dirname(link), blob), link)
  }
}

/** Responds with an error like the hub's. */
export function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'x-error-code': code })
  response.end()
}

function sha1(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha1')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { UserError } from '../common/errors.ts'
import { hubCache } from '../common/files/hub-cache.ts'
import { FakeHub, refuse, writeHubCache } from '../testing/servers/fake-hub.ts'
import { hubFiles, type Repository, readHubName } from './index.ts'
import { cacheFolder } from './repository.ts'

// Waits between tries take no time here; their seconds are kept.
const waits = vi.hoisted(() => [] as number[])
vi.mock('node:timers/promises', () => ({
  setTimeout: async (milliseconds: number) => void waits.push(milliseconds / 1000),
}))

let cache: string
let hub: FakeHub
beforeEach(async () => {
  cache = mkdtempSync(join(tmpdir(), 'ruminate-hub-'))
  vi.stubEnv('HF_HUB_CACHE', cache)
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HF_TOKEN_PATH', 'HF_ENDPOINT', 'HF_HUB_OFFLINE'])
    vi.stubEnv(name, '')
  for (const name of ['TRANSFORMERS_OFFLINE', 'HF_HUB_DISABLE_IMPLICIT_TOKEN']) vi.stubEnv(name, '')
  vi.stubEnv('HF_HOME', join(cache, 'home'))
  hub = await FakeHub.start()
})
afterEach(async () => {
  await hub.stop()
  vi.unstubAllEnvs()
  rmSync(cache, { recursive: true, force: true })
})

const rows: Repository = { kind: 'dataset', id: 'owner/rows', revision: 'main' }
const big = Buffer.from(Array.from({ length: 400_000 }, (_, i) => (i * 7919) >> 5))
const all = (paths: readonly string[]) => paths
const snapshot = (repository: Repository, path: string) =>
  join(cacheFolder(repository), 'snapshots', hub.commit, path)

test('downloads what is chosen once, and is offline afterwards', async () => {
  hub.add('datasets/owner/rows', { 'data/train 1.jsonl': '{"a":1}\n', 'README.md': 'no', 'b.parquet': big })
  const choose = (paths: readonly string[]) => paths.filter((path) => path !== 'README.md')
  const lines: string[] = []
  const { folder, paths } = await hubFiles(rows, choose, (line) => lines.push(line))
  expect(paths).toEqual(['data/train 1.jsonl', 'b.parquet'])
  expect(readFileSync(join(folder, 'data/train 1.jsonl'), 'utf8')).toBe('{"a":1}\n')
  expect(readFileSync(join(folder, 'b.parquet')).equals(big)).toBe(true)
  expect(existsSync(join(folder, 'README.md'))).toBe(false)
  expect(lines.at(-1)).toMatch(/^downloading owner\/rows\/b\.parquet: 100 % of 400 kB$/)
  expect(hub.log).toHaveLength(3)
  await hub.stop()
  expect(await hubFiles(rows, choose)).toEqual({ folder, paths })
  await expect(hubFiles(rows, all)).rejects.toThrow(/cannot reach 127\.0\.0\.1:\d+ \(ECONNREFUSED\)/)
})

test('models are at the root of the hub; a revision is requested by its name, a commit by its hash', async () => {
  hub.add('owner/model', { 'config.json': '{}' })
  const model: Repository = { kind: 'model', id: 'owner/model', revision: 'main' }
  await hubFiles({ ...model, revision: hub.commit }, all)
  expect(hub.log).toEqual([
    `GET /api/models/owner/model/revision/${hub.commit}`,
    `GET /owner/model/resolve/${hub.commit}/config.json`,
  ])
  await expect(hubFiles({ ...model, revision: 'v2' }, all)).rejects.toThrow(/has no revision "v2"/)
})

describe('a download that breaks', () => {
  const half = big.length / 2
  const cut: FakeHub['trick'] = (request, response, body) => {
    if (!body) return false
    const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0)
    if (from >= half) {
      request.socket.destroy()
      return true
    }
    response.writeHead(200, { 'content-length': body.length })
    response.write(body.subarray(0, half), () => request.socket.destroy())
    return true
  }
  beforeEach(() => hub.add('datasets/owner/rows', { 'b.parquet': big }))

  test('is resumed within the call', async () => {
    hub.trick = (...args) => hub.log.length === 2 && cut(...args)
    const { folder } = await hubFiles(rows, all)
    expect(readFileSync(join(folder, 'b.parquet')).equals(big)).toBe(true)
    expect(hub.log.at(-1)).toMatch(/bytes=[1-9]\d*-$/)
  })

  test('leaves a part, from which the next call continues', async () => {
    hub.trick = (request, ...rest) => {
      if (request.headers.range) {
        request.socket.destroy()
        return true
      }
      return cut(request, ...rest)
    }
    await expect(hubFiles(rows, all)).rejects.toThrow(UserError)
    const part = statSync(snapshot(rows, 'b.parquet.part')).size
    expect(part).toBeGreaterThan(0)
    expect(existsSync(snapshot(rows, 'b.parquet'))).toBe(false)
    hub.trick = () => false
    await hubFiles(rows, all)
    expect(hub.log.at(-1)).toMatch(new RegExp(`bytes=${part}-$`))
    expect(readFileSync(snapshot(rows, 'b.parquet')).equals(big)).toBe(true)
    expect(existsSync(snapshot(rows, 'b.parquet.part'))).toBe(false)
  })

  test('starts again if the server supports no ranges, or the part is of another file', async () => {
    hub.trick = (_, response, body) => {
      if (!body) return false
      response.writeHead(200, { 'content-length': body.length })
      response.end(body)
      return true
    }
    await hubFiles(rows, all)
    for (const left of [big.subarray(0, 1000), Buffer.alloc(1000, 1), Buffer.alloc(big.length + 1)]) {
      rmSync(snapshot(rows, 'b.parquet'))
      writeFileSync(snapshot(rows, 'b.parquet.part'), left)
      await hubFiles(rows, all)
      expect(readFileSync(snapshot(rows, 'b.parquet')).equals(big)).toBe(true)
    }
    hub.trick = () => false
    rmSync(snapshot(rows, 'b.parquet'))
    writeFileSync(snapshot(rows, 'b.parquet.part'), Buffer.alloc(1000, 1))
    await hubFiles(rows, all)
    expect(readFileSync(snapshot(rows, 'b.parquet')).equals(big)).toBe(true)
  })

  test('content that is not what the hub announced is never kept', async () => {
    const wrong = Buffer.from(big)
    wrong[5] = 1 + wrong[5]!
    hub.trick = (_, response, body) => {
      if (body) response.end(wrong)
      return body !== null
    }
    await expect(hubFiles(rows, all)).rejects.toThrow(/b\.parquet is damaged: its SHA-256 is/)
    expect(existsSync(snapshot(rows, 'b.parquet'))).toBe(false)
    expect(existsSync(snapshot(rows, 'b.parquet.part'))).toBe(false)
  })

  test('a small file is checked too', async () => {
    hub.add('datasets/owner/rows', { 'a.csv': 'a,b' })
    hub.trick = (_, response, body) => {
      if (body) response.end('a;b')
      return body !== null
    }
    await expect(hubFiles(rows, all)).rejects.toThrow(/its git SHA-1 is/)
  })
})

describe('a hub that refuses', () => {
  const answers: [status: number, code: string, message: RegExp][] = [
    [401, 'RepoNotFound', /Hugging Face has no dataset "owner\/rows" \(401\): .* set HF_TOKEN/],
    [404, 'RepoNotFound', /Hugging Face has no dataset "owner\/rows" \(404\)/],
    [401, 'GatedRepo', /is gated: accept its terms at http.*\/datasets\/owner\/rows; set HF_TOKEN/],
    [403, 'GatedRepo', /is gated/],
    [500, '', /answered 500 for the dataset owner\/rows/],
  ]
  test.each(answers)('%i %s', async (status, code, message) => {
    hub.trick = (_, response) => {
      refuse(response, status, code)
      return true
    }
    const failed = hubFiles(rows, all)
    await expect(failed).rejects.toThrow(UserError)
    await expect(failed).rejects.toThrow(message)
    expect(hub.log).toHaveLength(1)
  })

  test('a file that no longer exists', async () => {
    hub.add('datasets/owner/rows', { 'a.csv': 'x' })
    hub.trick = (request, response) => {
      if (request.url!.startsWith('/api')) return false
      refuse(response, 404, 'EntryNotFound')
      return true
    }
    await expect(hubFiles(rows, all)).rejects.toThrow(/has no file .*a\.csv/)
  })

  test('a server that is not a hub', async () => {
    hub.trick = (_, response) => {
      response.end('<html>')
      return true
    }
    await expect(hubFiles(rows, all)).rejects.toThrow(/did not answer as the Hugging Face hub does/)
  })

  test('names that lead out of the cache', async () => {
    hub.add('datasets/owner/rows', { '../../x.csv': 'x' })
    await expect(hubFiles(rows, all)).rejects.toThrow(/impossible name/)
  })
})

describe('a busy hub', () => {
  beforeEach(() => {
    waits.length = 0
  })
  test.each([429, 503])('%i with Retry-After is tried again', async (status) => {
    hub.add('datasets/owner/rows', { 'a.csv': 'x' })
    hub.trick = (_, response) => {
      if (hub.log.length % 2 === 0) return false
      response.writeHead(status, {
        'retry-after': hub.log.length === 1 ? '7' : new Date(0).toUTCString(),
      })
      response.end()
      return true
    }
    await hubFiles(rows, all)
    expect(hub.log).toHaveLength(4)
    expect(waits.map(Math.floor)).toEqual([7, 0])
  })
  test.each([
    ['0', 5],
    ['3600', 1],
  ])('Retry-After: %s every time is an error after %i tries', async (after, tries) => {
    hub.trick = (_, response) => {
      response.writeHead(429, { 'retry-after': after })
      response.end()
      return true
    }
    await expect(hubFiles(rows, all)).rejects.toThrow(/is busy \(429\)/)
    expect(hub.log).toHaveLength(tries)
  })
  test('a connection that is closed each time is an error after 5 tries, with longer waits between them', async () => {
    hub.trick = (request) => {
      request.socket.destroy()
      return true
    }
    await expect(hubFiles(rows, all)).rejects.toThrow(/closed the connection \(.*\), in 5 tries/)
    expect(hub.log).toHaveLength(5)
    for (const [n, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(2 ** n / 2)
      expect(wait).toBeLessThanOrEqual(2 ** n)
    }
  })
})

test('the token is sent', async () => {
  vi.stubEnv('HF_TOKEN', 'secret')
  const seen: unknown[] = []
  hub.trick = (request, response) => {
    seen.push(request.headers.authorization)
    refuse(response, 401, 'GatedRepo')
    return true
  }
  await expect(hubFiles(rows, all)).rejects.toThrow(/the token in HF_TOKEN must be allowed/)
  expect(seen).toEqual(['Bearer secret'])
})

describe('the token', () => {
  const home = () => join(cache, 'home')
  const stored = (path: string, text: string) => {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return path
  }
  const cases: [name: string, environment: () => Record<string, string>, sent: string | undefined][] = [
    ['none', () => ({}), undefined],
    ['the older variable', () => ({ HUGGING_FACE_HUB_TOKEN: ' b\n' }), 'b'],
    ['the newer variable first', () => ({ HF_TOKEN: 'a', HUGGING_FACE_HUB_TOKEN: 'b' }), 'a'],
    ['the file of `hf auth login`', () => ({ HF_HOME: dirname(stored(join(home(), 'token'), 'c\n')) }), 'c'],
    ['a file elsewhere', () => ({ HF_TOKEN_PATH: stored(join(cache, 't'), 'd') }), 'd'],
    [
      'a variable before the file',
      () => ({ HF_TOKEN: 'a', HF_TOKEN_PATH: stored(join(cache, 't'), 'd') }),
      'a',
    ],
    ['an empty file', () => ({ HF_TOKEN_PATH: stored(join(cache, 't'), '\n') }), undefined],
    ['a file that is not there', () => ({ HF_TOKEN_PATH: join(cache, 'none') }), undefined],
    ['switched off', () => ({ HF_TOKEN: 'a', HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' }), undefined],
    ['not switched off', () => ({ HF_TOKEN: 'a', HF_HUB_DISABLE_IMPLICIT_TOKEN: '0' }), 'a'],
  ]
  test.each(cases)('%s', async (_, environment, token) => {
    for (const [name, value] of Object.entries(environment())) vi.stubEnv(name, value)
    const seen: unknown[] = []
    hub.trick = (request) => {
      seen.push(request.headers.authorization)
      return false
    }
    hub.add('datasets/owner/rows', { 'a.csv': 'x' })
    await hubFiles(rows, all)
    const header = token === undefined ? undefined : `Bearer ${token}`
    expect(seen).toEqual([header, header])
  })

  test('is not sent on to another host; the rest of a download is', async () => {
    vi.stubEnv('HF_TOKEN', 'secret')
    const seen: [unknown, unknown][] = []
    const other = createServer((request, response) => {
      seen.push([request.headers.authorization, request.headers.range])
      response.writeHead(206, { 'content-range': `bytes 3-${big.length - 1}/${big.length}` })
      response.end(big.subarray(3))
    })
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    try {
      hub.trick = (request, response, body) => {
        if (!body) return false
        expect(request.headers.authorization).toBe('Bearer secret')
        response.writeHead(302, {
          location: `http://127.0.0.1:${(other.address() as AddressInfo).port}/blob`,
        })
        response.end()
        return true
      }
      hub.add('datasets/owner/rows', { 'b.parquet': big })
      mkdirSync(dirname(snapshot(rows, 'b.parquet')), { recursive: true })
      writeFileSync(snapshot(rows, 'b.parquet.part'), big.subarray(0, 3))
      await hubFiles(rows, all)
      expect(seen).toEqual([[undefined, 'bytes=3-']])
      expect(readFileSync(snapshot(rows, 'b.parquet')).equals(big)).toBe(true)
    } finally {
      await new Promise((resolve) => other.close(resolve))
    }
  })

  test('that the hub does not accept is named', async () => {
    vi.stubEnv('HF_TOKEN_PATH', stored(join(cache, 't'), 'old'))
    hub.trick = (_, response) => {
      response.writeHead(401, { 'x-error-message': 'Invalid credentials in Authorization header' })
      response.end()
      return true
    }
    await expect(hubFiles(rows, all)).rejects.toThrow(
      `the hub does not accept the token in ${join(cache, 't')}: it is wrong or has expired`,
    )
  })
})

describe('a dataset in a cache that another tool filled', () => {
  const commit = 'fedcba9876543210fedcba9876543210fedcba98'
  const train = (n: number) => `data/train-0000${n}-of-00002.parquet`
  const fill = (...paths: string[]) => {
    writeHubCache(cacheFolder(rows), Object.fromEntries(paths.map((path) => [path, path])), { commit })
    return join(cacheFolder(rows), 'snapshots', commit)
  }
  const parquet = (paths: readonly string[]) => {
    const found = paths.filter((path) => path.endsWith('.parquet'))
    if (found.length === 0) throw new UserError('no table')
    return found
  }

  test('is used as it is without a network', async () => {
    const folder = fill(train(0), train(1), 'README.md')
    await hub.stop()
    expect(await hubFiles(rows, parquet)).toEqual({ folder, paths: [train(0), train(1)] })
    expect(readFileSync(join(folder, train(1)), 'utf8')).toBe(train(1))
  })

  test('with some of the parts of a table is refused without a network, and completed with one', async () => {
    const folder = fill(train(1))
    vi.stubEnv('HF_HUB_OFFLINE', '1')
    await expect(hubFiles(rows, parquet)).rejects.toThrow(
      `the copy of the dataset owner/rows in ${folder} lacks 1 of the 2 files data/train-*-of-00002.parquet`,
    )
    vi.stubEnv('HF_HUB_OFFLINE', '')
    hub.commit = commit
    hub.add('datasets/owner/rows', { [train(0)]: train(0), [train(1)]: train(1) })
    expect(await hubFiles(rows, parquet)).toEqual({ folder, paths: [train(0), train(1)] })
    expect(hub.log.at(-1)).toMatch(/train-00000-of-00002\.parquet$/)
  })

  test('without any table says that the copy may be incomplete', async () => {
    const folder = fill('README.md')
    await hub.stop()
    await expect(hubFiles(rows, parquet)).rejects.toThrow(
      `no table (${folder} may be incomplete: cannot reach`,
    )
  })
})

test.each([
  [{ HF_HUB_CACHE: '/c', HF_HOME: '/h' }, '/c'],
  [{ HF_HUB_CACHE: '/c', HUGGINGFACE_HUB_CACHE: '/d' }, '/c'],
  [{ HUGGINGFACE_HUB_CACHE: '/d', HF_HOME: '/h' }, '/d'],
  [{ HF_HUB_CACHE: '~/c', HOME: '/me' }, '/me/c'],
  [{ HF_HOME: '$XDG_CACHE_HOME/hf', XDG_CACHE_HOME: '/x' }, '/x/hf/hub'],
  [{ HF_HOME: '/h' }, '/h/hub'],
  [{ XDG_CACHE_HOME: '/x' }, '/x/huggingface/hub'],
  [{ HOME: '/me' }, '/me/.cache/huggingface/hub'],
])('%j keeps downloads in %s', (environment, folder) => {
  for (const name of ['HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_HOME', 'XDG_CACHE_HOME'])
    vi.stubEnv(name, '')
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  expect(hubCache()).toBe(folder)
})

test.each([
  ['openai/gsm8k', { id: 'openai/gsm8k', path: '', revision: 'main' }],
  ['openai/gsm8k/main', { id: 'openai/gsm8k', path: 'main', revision: 'main' }],
  ['a/b/c/d.csv@refs/pr/1', { id: 'a/b', path: 'c/d.csv', revision: 'refs/pr/1' }],
  ['a/b@v1.0', { id: 'a/b', path: '', revision: 'v1.0' }],
  ['gsm8k', null],
  ['/a/b', null],
  ['../a', null],
  ['./a', null],
  ['a/..', null],
  ['a b/c', null],
])('the name %s', (name, read) => expect(readHubName(name)).toEqual(read))

test.each(['nonsense', 'ftp://hub', 'http://'])('HF_ENDPOINT=%s is no address', async (endpoint) => {
  vi.stubEnv('HF_ENDPOINT', endpoint)
  vi.stubEnv('HF_HUB_CACHE', '/none')
  const failed = hubFiles({ kind: 'model', id: 'owner/name', revision: 'main' }, (paths) => paths)
  await expect(failed).rejects.toThrow(/HF_ENDPOINT is ".+"; it must be an address/)
  await expect(failed).rejects.toMatchObject({ exitCode: 2 })
  vi.unstubAllEnvs()
})

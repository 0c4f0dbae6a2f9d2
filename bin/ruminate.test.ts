import { spawn } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../src/common/files/package.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate bin '))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A clone of the repository without a build, and without dependencies unless they are linked. */
function clone(name: string, { dependencies = true } = {}): string {
  const root = join(folder, name)
  for (const path of ['bin', 'src', 'web', 'tools/build.ts', 'package.json', 'tsconfig.json'])
    cpSync(join(packageRoot(), path), join(root, path), {
      recursive: true,
      filter: (source) => !source.includes('fixtures') && !source.endsWith('.test.ts'),
    })
  if (dependencies) symlinkSync(join(packageRoot(), 'node_modules'), join(root, 'node_modules'))
  return root
}

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function run(
  program: string,
  words: readonly string[],
  { cwd = folder, env = process.env } = {},
): Promise<Ended> {
  const child = spawn(program, words, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

const command = (root: string, ...words: string[]): Promise<Ended> =>
  run(join(root, 'bin/ruminate.js'), words)
const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'))
const started = { code: 0, out: `${version}\n`, err: '' }
const FIRST_USE = 'building Ruminate (first use) …\n'

test('a clone is built on first use, once, and says so in one line: two at once, from another folder', async () => {
  const root = clone('R&D, C++ (#1) [new] {x} 100 %20 $HOME ü')
  const both = await Promise.all([command(root, '--version'), command(root, '--version')])
  for (const ended of both) expect(ended).toEqual({ ...started, err: FIRST_USE })
  expect(readdirSync(root).filter((name) => name.startsWith('.dist'))).toEqual([])
  const link = join(folder, 'link')
  symlinkSync(join(root, 'bin/ruminate.js'), link)
  expect(await run(link, ['--version'])).toEqual(started)
})

test('a build that is older than the sources is renewed, and keeps no file of a source that is gone', async () => {
  const root = clone('changed')
  const main = join(root, 'src/cli/main.ts')
  const other = join(root, 'src/cli/other.ts')
  writeFileSync(other, 'export const other = "other\\n"\n')
  appendFileSync(main, "import { other } from './other.ts'\nprocess.stdout.write(other)\n")
  expect(await command(root, '--version')).toMatchObject({ code: 0, out: `${version}\nother\n` })
  expect(existsSync(join(root, 'dist/cli/other.js'))).toBe(true)

  rmSync(other)
  cpSync(join(packageRoot(), 'src/cli/main.ts'), main)
  const abandoned = join(root, '.dist-999999999')
  mkdirSync(abandoned)
  const err = 'building Ruminate (its sources have changed) …\n'
  expect(await command(root, '--version')).toEqual({ ...started, err })
  expect(existsSync(join(root, 'dist/cli/other.js'))).toBe(false)
  expect(existsSync(abandoned)).toBe(false)
  expect(await command(root, '--version')).toEqual(started)
})

test('a build that lacks a file is renewed', async () => {
  const root = clone('incomplete')
  await command(root, '--version')
  for (const path of ['cli/app.js', 'runs']) {
    rmSync(join(root, 'dist', path), { recursive: true })
    const err = 'building Ruminate (its build is incomplete) …\n'
    expect(await command(root, '--version')).toEqual({ ...started, err })
  }
})

test('sources that cannot be built are an error, and the former build stays', async () => {
  const root = clone('broken')
  await command(root, '--version')
  appendFileSync(join(root, 'src/cli/main.ts'), 'this is not TypeScript')
  const ended = await command(root, '--version')
  expect(ended).toMatchObject({ code: 1, out: '' })
  expect(ended.err).toMatch(/\nerror: Ruminate could not be built\n$/)
  cpSync(join(packageRoot(), 'src/cli/main.ts'), join(root, 'src/cli/main.ts'))
  expect(await command(root, '--version')).toEqual(started)
})

describe('dependencies that are not installed are one line', () => {
  const packages = readdirSync(join(packageRoot(), 'node_modules')).filter((name) => name !== '.cache')
  const cases: [string, readonly string[] | null, string][] = [
    ['nothing', null, 'npm ci'],
    ['stopped half way', packages.filter((name) => name !== '.bin'), 'npm ci'],
    ['one is missing', packages.filter((name) => name !== 'zod'), 'npm ci'],
    ['none for development', packages.filter((name) => name !== 'tsdown'), 'npm ci --include=dev'],
  ]
  test.each(cases)('%s', async (name, names, advice) => {
    const root = clone(name, { dependencies: false })
    if (names) mkdirSync(join(root, 'node_modules'))
    for (const name of names ?? [])
      symlinkSync(join(packageRoot(), 'node_modules', name), join(root, 'node_modules', name))
    const ended = await command(root, 'zero')
    expect(ended).toMatchObject({ code: 1, out: '' })
    expect(ended.err).toMatch(new RegExp(`^error: .* run \`${advice}\` in .* first\n$`))
  })
  test('a version other than that of package.json', async () => {
    const root = clone('updated')
    const file = join(root, 'package.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"zod": "[^"]*"/, '"zod": "99.0.0"'))
    expect((await command(root, 'zero')).err).toMatch(/^error: .* run `npm ci` in .* first\n$/)
  })
})

test('npx finds the command after npm ci also if it was tried before, with an empty cache', async () => {
  const root = clone('npx', { dependencies: false })
  // An npm that runs these tests tells its children the folder of its own package.
  const outside = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))
  const env = {
    ...Object.fromEntries(outside),
    npm_config_cache: join(folder, 'npm-cache'),
    npm_config_update_notifier: 'false',
  }
  const before = await run('npx', ['ruminate', '--version'], { cwd: root, env })
  expect(before).toMatchObject({ code: 1, out: '' })
  expect(before.err).toBe('error: dependencies are missing: run `npm ci` first\n')
  symlinkSync(join(packageRoot(), 'node_modules'), join(root, 'node_modules'))
  const inFolder = { cwd: join(root, 'src'), env }
  expect(await run('npx', ['ruminate', '--version'], inFolder)).toEqual({ ...started, err: FIRST_USE })
})

test('a Node that is too old is told so in one line', async () => {
  const old = join(folder, 'old.cjs')
  writeFileSync(old, "Object.defineProperty(process.versions, 'node', { value: '20.18.3' })")
  const ended = await run(process.execPath, ['--require', old, join(packageRoot(), 'bin/ruminate.js')])
  expect(ended).toMatchObject({ code: 1, out: '' })
  expect(ended.err).toMatch(
    /^error: Ruminate needs Node 20\.19 or newer; this is 20\.18\.3 \(nodejs\.org\)\n$/,
  )
})

test('a package that was packed without a build says so', async () => {
  const root = clone('packed')
  rmSync(join(root, 'src'), { recursive: true })
  const ended = await command(root, '--version')
  expect(ended).toMatchObject({ code: 1, out: '' })
  expect(ended.err).toMatch(/^error: this package has no build: run `npm run build` before `npm pack`\n$/)
})

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'tsdown'
import { build as buildPage } from 'vite'
import { DIGEST_FILE, sourcesDigest } from '../bin/clone.js'

/*
 * Builds dist/, with its types unless --no-types is given: `tsx tools/build.ts [--no-types]`. A build is made in a folder
 * of its own, and each of its files is then moved into dist/, so that several builds, and programs that run from dist/
 * meanwhile, never see a file that is missing or half written.
 */
const root = fileURLToPath(new URL('../', import.meta.url))
const dist = join(root, 'dist')
const staging = join(root, `.dist-${process.pid}`)
/** A build on first use, which has no types and says nothing. */
const isQuick = process.argv.includes('--no-types')
/** Bytes of the studio's page at most. */
const PAGE_SIZE = 250_000

removeAbandoned()
const digest = sourcesDigest(root)
try {
  // This calls tsdown's API because its command warns on every start that later versions of tsdown will not run on Node
  // 20, which this package supports; the version that is used is pinned.
  await build({
    config: false,
    logLevel: 'error',
    cwd: root,
    outDir: staging,
    entry: [
      'src/index.ts',
      'src/thinking/index.ts',
      'src/tinker/index.ts',
      'src/verify/index.ts',
      'src/cli/main.ts',
      'src/engines/local/threads/spawner.ts',
      'src/engines/local/threads/replica-thread.ts',
      'src/sandbox/quickjs/quickjs-worker.ts',
    ],
    format: 'esm',
    unbundle: true,
    fixedExtension: false,
    platform: 'node',
    target: 'node20.19',
    dts: isQuick
      ? false
      : {
          entry: ['src/index.ts', 'src/thinking/index.ts', 'src/tinker/index.ts', 'src/verify/index.ts'],
        },
    sourcemap: true,
    // Names are not made safe for every system, which would change the folder's own name where it has a `+` or `&`.
    outputOptions: { sanitizeFileName: false },
  })
  await buildPage({
    configFile: join(root, 'web', 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir: join(staging, 'studio') },
  })
  checkPageSize()
  publish()
} finally {
  rmSync(staging, { recursive: true, force: true })
}

/** Says how large the page is as it is sent, without the fonts of formulas. @throws Error if it has become too large */
function checkPageSize(): void {
  const page = join(staging, 'studio')
  const sent = filesIn(page)
    .filter((path) => !path.endsWith('.woff2'))
    .reduce((bytes, path) => bytes + gzipSync(readFileSync(join(page, path))).length, 0)
  const told = `the studio's page: ${(sent / 1000).toFixed(1)} kB gzipped without fonts, of at most ${PAGE_SIZE / 1000} kB`
  if (sent > PAGE_SIZE) throw new Error(told)
  if (!isQuick) console.log(told)
}

/** Moves the files of the staging folder into dist/, and deletes those that a former build left there. */
function publish(): void {
  rmSync(join(dist, DIGEST_FILE), { force: true })
  const built = filesIn(staging)
  for (const path of built) {
    mkdirSync(dirname(join(dist, path)), { recursive: true })
    renameSync(join(staging, path), join(dist, path))
  }
  const kept = new Set(built)
  for (const path of filesIn(dist)) if (!kept.has(path)) rmSync(join(dist, path), { force: true })
  writeFileSync(join(dist, DIGEST_FILE), [digest, ...built].join('\n'))
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}

/** Removes the staging folders of builds that were killed. */
function removeAbandoned(): void {
  for (const name of readdirSync(root)) {
    const pid = /^\.dist-(\d+)$/.exec(name)?.[1]
    if (pid !== undefined && !isRunning(Number(pid)))
      rmSync(join(root, name), { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

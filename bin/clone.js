import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

/**
 * The file of dist/ with the digest of the sources that it was built from, and below it the paths of the files that were
 * built, one per line. It is written last.
 */
export const DIGEST_FILE = '.sources'

/**
 * Makes a clone ready to run: checks that its dependencies are installed, and builds dist/ unless it was built from these
 * sources.
 *
 * @param {string} root the folder of the clone
 * @returns {string | null} what is wrong and what to do, in one line; null if the clone is ready
 */
export function prepare(root) {
  const place = process.cwd() === resolve(root) ? '' : ` in ${root}`
  const pack = readPackage(root)
  if (!pack) return `there is no package.json in ${root}`
  if (!existsSync(join(root, 'node_modules', '.bin')) || !installed(root, pack.dependencies))
    return `dependencies are missing: run \`npm ci\`${place} first`

  const built = builtFrom(root)
  if (built === sourcesDigest(root)) return null
  if (!installed(root, pack.devDependencies))
    return `the build tools are missing: run \`npm ci --include=dev\`${place} first`
  try {
    accessSync(root, constants.W_OK)
  } catch {
    return `Ruminate has to be built, and ${root} cannot be written to`
  }
  const why = !existsSync(join(root, 'dist'))
    ? 'first use'
    : built === null
      ? 'its build is incomplete'
      : 'its sources have changed'
  process.stderr.write(`building Ruminate (${why}) …\n`)
  const { status, error } = spawnSync(process.execPath, ['--import', 'tsx', 'tools/build.ts', '--no-types'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  return status === 0 ? null : `Ruminate could not be built${error ? `: ${error.message}` : ''}`
}

/**
 * A digest of what dist/ is built from. It is of the contents, so that it is the same after a checkout or a copy.
 *
 * @param {string} root the folder of the clone
 */
export function sourcesDigest(root) {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .map((path) => join('src', path))
  const page = ['index.html', 'vite.config.ts', 'public', 'src'].flatMap((name) =>
    filesIn(root, join('web', name)),
  )
  const digest = createHash('sha256')
  for (const path of [...sources, ...page, join('tools', 'build.ts')].sort())
    digest
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0')
  return digest.digest('hex')
}

/**
 * @param {string} root
 * @param {string} path a file, or a folder with files, in `root`
 * @returns {string[]} the paths of the files in `root`
 */
function filesIn(root, path) {
  if (!statSync(join(root, path)).isDirectory()) return [path]
  return readdirSync(join(root, path), { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, name))
    .filter((name) => statSync(join(root, name)).isFile())
}

/**
 * @param {string} root
 * @returns {string | null} the digest of the sources that dist/ was built from; null if there is no whole build
 */
function builtFrom(root) {
  const dist = join(root, 'dist')
  if (!existsSync(join(dist, DIGEST_FILE))) return null
  const [digest = '', ...files] = readFileSync(join(dist, DIGEST_FILE), 'utf8').split('\n')
  return files.length > 0 && files.every((path) => existsSync(join(dist, path))) ? digest : null
}

/**
 * @param {string} root
 * @param {Record<string, string>} dependencies their names, each with its exact version
 */
function installed(root, dependencies) {
  return Object.entries(dependencies).every(
    ([name, version]) => readPackage(join(root, 'node_modules', name))?.version === version,
  )
}

/**
 * @param {string} folder
 * @returns {{ version: string, dependencies: Record<string, string>, devDependencies: Record<string, string> } | null}
 *   null if there is none, or not all of it
 */
function readPackage(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  } catch {
    return null
  }
}

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/*
 * Starts the command. A clone of the repository, which has the sources, is built first if its build is missing or older
 * than they are. The installed package has its build and no sources.
 */
const root = fileURLToPath(new URL('../', import.meta.url))
const main = new URL('../dist/cli/main.js', import.meta.url)

/** @returns {Promise<string | null>} why the command cannot be started, in one line */
async function problem() {
  if (existsSync(new URL('../src', import.meta.url))) return (await import('./clone.js')).prepare(root)
  if (existsSync(main)) return null
  return 'this package has no build: run `npm run build` before `npm pack`'
}

const why = await problem()
if (why === null) await import(main.href)
else {
  process.stderr.write(`error: ${why}\n`)
  process.exitCode = 1
}

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../src/common/errors.ts'
import { Random } from '../src/common/random.ts'
import { SafetensorsFile } from '../src/models/checkpoint/safetensors.ts'
import { openGgufModel } from '../src/models/gguf/read/convert.ts'
import { mutate } from './mutate.ts'

/**
 * Opens many damaged copies of a GGUF or safetensors file: each must open, or fail with an error for users of one line. Prints
 * how many did which, the slowest, the largest growth of the memory, and every kind of message once. A small file is best.
 *
 *   npx tsx tools/mutated-headers.ts FILE [--count 100000] [--header BYTES]
 */
const [file, ...options] = process.argv.slice(2)
const option = (name: string, usual: number): number => {
  const at = options.indexOf(name)
  return at < 0 ? usual : Number(options[at + 1])
}
if (file === undefined) {
  console.error('usage: npx tsx tools/mutated-headers.ts FILE [--count N] [--header BYTES]')
  process.exit(2)
}
const original = readFileSync(file)
const count = option('--count', 100_000)
const header = option('--header', original.length)
const isGguf = original.toString('latin1', 0, 4) === 'GGUF'

const folder = mkdtempSync(join(tmpdir(), 'mutated-'))
const path = join(folder, 'file')
const random = new Random('mutated', file)
const kinds = new Map<string, number>()
let opened = 0
let slowest = 0
let memory = 0
const before = process.memoryUsage().rss
for (let i = 0; i < count; i++) {
  writeFileSync(path, mutate(original, header, random))
  const start = performance.now()
  try {
    if (isGguf) (await openGgufModel(path)).close()
    else new SafetensorsFile(path).close()
    opened++
  } catch (error) {
    const message = (error as Error).message
    if (!(error instanceof UserError) || /[\n\r]/.test(message) || message.length > 2000) {
      writeFileSync('mutated-failure', readFileSync(path))
      console.error(`copy ${i} (kept as mutated-failure):`, error)
      process.exitCode = 1
      break
    }
    const kind = message.replaceAll(path, 'FILE').replace(/"(?:[^"\\]|\\.)*"|\d+|tensor \S+/g, '·')
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }
  slowest = Math.max(slowest, performance.now() - start)
  memory = Math.max(memory, process.memoryUsage.rss() - before)
}
rmSync(folder, { recursive: true })
const common = [...kinds].sort((a, b) => b[1] - a[1]).slice(0, 60)
for (const [kind, times] of common) console.log(`${String(times).padStart(7)}  ${kind.slice(0, 160)}`)
console.log(
  `${count} copies of ${file} (${original.length} bytes): ${opened} opened, ${kinds.size} kinds of messages; slowest ${slowest.toFixed(0)} ms, memory grew by at most ${(memory / 1e6).toFixed(0)} MB`,
)

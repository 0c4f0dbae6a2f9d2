import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { build } from 'tsdown'
import { expect, test } from 'vitest'

/** A file of this folder with all that it imports, as a minified program for browsers. */
async function bundle(file: string, format: 'esm' | 'iife'): Promise<string> {
  const outDir = mkdtempSync(join(tmpdir(), 'ruminate-bundle-'))
  try {
    await build({
      config: false,
      logLevel: 'error',
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      outDir,
      entry: [file],
      format,
      globalName: 'thinking',
      platform: 'browser',
      minify: true,
      dts: false,
    })
    expect(readdirSync(outDir)).toHaveLength(1)
    return readFileSync(join(outDir, readdirSync(outDir)[0]!), 'utf8')
  } finally {
    rmSync(outDir, { recursive: true, force: true })
  }
}

test('the parser with all formats is small', async () => {
  expect(gzipSync(await bundle('parser/parser.ts', 'esm')).length).toBeLessThanOrEqual(4096)
})

test('the package’s entry runs where nothing but what browsers have exists', async () => {
  const program = await bundle('index.ts', 'iife')
  const result = runInNewContext(`${program}; JSON.stringify(thinking.parseThinking('<think>a</think>b'))`, {
    TransformStream,
    performance,
  })
  expect(JSON.parse(result)).toEqual({ thinking: 'a', answer: 'b' })
  expect(/\brequire\(|\bprocess\.|\bBuffer\b|node:/.test(program)).toBe(false)
})

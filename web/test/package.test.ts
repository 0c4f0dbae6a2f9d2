import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

/* What people install: the built page, and none of the tools that build it. */

const root = fileURLToPath(new URL('../../', import.meta.url))

describe('the package', () => {
  test('has the built page, with its fonts, and not its sources', () => {
    const [packed] = JSON.parse(
      execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
        cwd: root,
        encoding: 'utf8',
      }),
    ) as [{ files: { path: string }[] }]
    const paths = packed.files.map(({ path }) => path)
    expect(paths).toContain('dist/studio/index.html')
    expect(paths.filter((path) => /^dist\/studio\/assets\/app-.*\.js$/.test(path))).toHaveLength(1)
    expect(paths.filter((path) => path.endsWith('.woff2')).length).toBeGreaterThan(10)
    expect(paths.filter((path) => path.startsWith('web/'))).toEqual([])
  })

  test('installs nothing that only the page or its build needs', () => {
    const { dependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
      dependencies: Record<string, string>
    }
    expect(Object.keys(dependencies)).not.toEqual(
      expect.arrayContaining([
        expect.stringMatching(/preact|vite|uplot|katex|playwright|rolldown|tsdown|axe/),
      ]),
    )
  })
})

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const markdownIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))
const pages = ['README.md', ...markdownIn('docs'), ...markdownIn('models')]

const read = (page: string): string => readFileSync(join(root, page), 'utf8')

/** The text of a page without its code, in which brackets and # mean something else. */
const prose = (text: string): string =>
  text.replace(/^ *```.*?^ *```/gms, '').replace(/(`+)[^`].*?\1/g, (code) => code.replace(/[[\]()]/g, ''))

/** The anchors of a page's headings, as GitHub makes them: a repeated one gets -1, -2, … */
function anchors(text: string): Set<string> {
  const seen = new Map<string, number>()
  const found = new Set<string>()
  for (const [, heading] of prose(text).matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const slug = heading!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-')
    const times = seen.get(slug) ?? 0
    seen.set(slug, times + 1)
    found.add(times === 0 ? slug : `${slug}-${times}`)
  }
  return found
}

/** Targets of the links and images of a text, without those on the web. */
function links(text: string): string[] {
  const inline = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
  const html = [...prose(text).matchAll(/\b(?:src|srcset|href)="([^"]+)"/g)].map(([, target]) => target!)
  return [...inline, ...html].filter((target) => !/^[a-z]+:/i.test(target))
}

/** What is wrong with a link, or null. */
function broken(page: string, target: string, content = read): string | null {
  const [path, anchor] = target.split('#') as [string, string?]
  const file = path === '' ? page : relative(root, resolve(root, dirname(page), path))
  if (!existsSync(join(root, file))) return `${page}: there is no ${file}`
  if (anchor === undefined) return null
  if (statSync(join(root, file)).isDirectory() || !file.endsWith('.md'))
    return `${page}: ${target} has an anchor but is not a page`
  return anchors(content(file)).has(anchor) ? null : `${page}: ${file} has no heading #${anchor}`
}

test.each(pages)('the links of %s lead to files and headings that exist', (page) => {
  expect(links(read(page)).flatMap((target) => broken(page, target) ?? [])).toEqual([])
})

test('every page of docs/ is linked from another page', () => {
  const linked = new Set(
    pages.flatMap((page) =>
      links(read(page))
        .map((target) => relative(root, resolve(root, dirname(page), target.split('#')[0]!)))
        .filter((file) => file !== page),
    ),
  )
  expect(markdownIn('docs').filter((page) => !linked.has(page))).toEqual([])
})

test('the check finds links that lead nowhere', () => {
  const page = [
    '# A page, with `code` and a [link](https://example.org)',
    '## Same',
    '## Same',
    '[a](README.md) [b](#a-page-with-code-and-a-link) [c](#same-1) `[not](a-link)`',
    '![d](docs/none.svg) [e](#same-2) [f](LICENSE#mit) <img src="none.png">',
    '```sh',
    '# no heading [g](none.md)',
    '```',
  ].join('\n')
  expect(links(page).flatMap((target) => broken('README.md', target, () => page) ?? [])).toEqual([
    'README.md: there is no docs/none.svg',
    'README.md: README.md has no heading #same-2',
    'README.md: LICENSE#mit has an anchor but is not a page',
    'README.md: there is no none.png',
  ])
})

test('the picture in the README shows the run in its table', () => {
  const numbers = read('docs/zero/learning.svg').match(
    /Right answers, held-out questions: step 0 ([\d.]+ %);.* step 200 ([\d.]+ %)\. Response length \(tokens\), held-out questions: step 0 ([\d.]+);.* step 200 ([\d.]+)\./,
  )
  const [, before, after, shorter, longer] = numbers!
  expect(read('README.md')).toMatch(
    new RegExp(`^\\| \\*\\*pass@1\\*\\* \\| ${before} ±[^|]*\\| \\*\\*${after} ±`, 'm'),
  )
  expect(read('README.md')).toContain(`| response length (tokens) | ${shorter} | ${longer} |`)
})

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { packageRoot } from '../common/files/package.ts'
import { distillSettings } from './distill.ts'
import { dpoSettings } from './dpo.ts'
import { pretrainSettings } from './pretrain.ts'
import { r1Settings } from './r1.ts'
import { rewardSettings } from './reward.ts'
import { sftSettings } from './sft.ts'
import { zeroSettings } from './zero.ts'

/* Every setting that a message or the documentation names exists. */

/** The paths of all settings of a schema, groups included, such as "rl" and "rl.maxTokens". */
function pathsOf(schema: z.core.JSONSchema._JSONSchema, path = ''): string[] {
  if (typeof schema === 'boolean') return []
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const here = path ? `${path}.${name}` : name
    return [here, ...pathsOf(property, here)]
  })
  // a mapping of any names
  const any = typeof schema.additionalProperties === 'object' ? [`${path}.*`] : []
  return [
    ...inner,
    ...any,
    ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap((one) => pathsOf(one, path)),
  ]
}
const schemas = [
  zeroSettings,
  r1Settings,
  distillSettings,
  sftSettings,
  rewardSettings,
  dpoSettings,
  pretrainSettings,
]
const settings = new Set(
  schemas.flatMap((schema) => pathsOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))),
)
const groups = new Set([...settings].filter((path) => path.includes('.')).map((path) => path.split('.')[0]!))
// r1's settings of a stage are those of its recipe
for (const stage of ['zero', 'rl1', 'rl2', 'sft', 'studentZero']) groups.add(stage)

const VERB = '(?:[Ss]et|[Rr]aise|[Ll]ower|[Ww]iden|[Ii]ncrease|--set)'
const FILE = /\.(?:mt|t|j)s$|\.(?:md|jsonl?|sqlite|yaml|csv|safetensors)$/

/** The settings that a text names: dotted words that begin with a group, and words that it says to set or change. */
function named(text: string): string[] {
  const dotted = [...text.matchAll(/(?<![\w./'"-])([a-z]\w*(?:\.[a-z]\w*)+)(?![\w/(-])/g)]
    .map(([, path]) => path!)
    .filter((path) => groups.has(path.split('.')[0]!) && !FILE.test(path))
  const advised = [
    ...text.matchAll(new RegExp(`${VERB} \`?([a-z]\\w*)=`, 'g')),
    ...text.matchAll(new RegExp(`${VERB} \`?([a-z]+[A-Z]\\w*)(?![\\w.])`, 'g')),
  ].map(([, path]) => path!)
  return [...new Set([...dotted, ...advised])]
}
const exists = (path: string): boolean =>
  settings.has(path) ||
  settings.has(path.replace(/\.\w+$/, '.*')) ||
  [...settings].some((setting) => path.endsWith(`.${setting}`) && groups.has(path.split('.')[0]!))

/** The messages in a source file: strings of several words, and the fixed parts of templates. */
function textsOf(file: string): string[] {
  const texts: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) texts.push(node.text)
    if (ts.isTemplateExpression(node))
      texts.push([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('…'))
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest))
  return texts.filter((text) => text.includes(' '))
}

const root = packageRoot()
const files = (folder: string, ending: RegExp): string[] =>
  (readdirSync(join(root, folder), { recursive: true }) as string[])
    .filter((name) => ending.test(name) && !/\.test\.ts$/.test(name))
    .map((name) => join(root, folder, name))

test('the schemas have the paths that the test compares with', () => {
  for (const path of ['rl.maxTokens', 'rl.objective.kl.beta', 'coldStart.fewShot', 'readable', 'maxLength'])
    expect(settings).toContain(path)
  expect(['rl.group', 'rl.groupSize', 'rl2.rl.maxTokens', 'fewShot'].map(exists)).toEqual([
    false,
    true,
    true,
    false,
  ])
})

test.each([
  ['raise rl.maxTokens, or use a model', ['rl.maxTokens']],
  ['set `coldStart.fewShot=0`', ['coldStart.fewShot']],
  ['Set steps=3.', ['steps']],
  ['set generalData to a file', ['generalData']],
  ['--set eval.questions=4', ['eval.questions']],
  ['see eval.jsonl, docs/rl.md and rl.map(f)', []],
])('finds the settings in: %s', (text, found) => {
  expect(named(text)).toEqual(found)
})

test('every setting in a message exists', () => {
  const found = files('src', /\.ts$/).flatMap((file) =>
    textsOf(file).flatMap((text) =>
      named(text).map((path) => ({ file: file.slice(root.length), path, text })),
    ),
  )
  expect(found.length).toBeGreaterThan(10)
  expect(found.filter(({ path }) => !exists(path))).toEqual([])
})

// extending.md shows how a setting is added
test('every setting in the documentation exists', () => {
  const found = [join(root, 'README.md'), ...files('docs', /(?<!extending)\.md$/)].flatMap((file) =>
    named(readFileSync(file, 'utf8')).map((path) => ({ file: file.slice(root.length), path })),
  )
  expect(found.length).toBeGreaterThan(10)
  expect(found.filter(({ path }) => !exists(path))).toEqual([])
})

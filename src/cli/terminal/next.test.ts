import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { packageRoot } from '../../common/files/package.ts'
import { modelFolder } from '../../hub/find-model.ts'
import { captured } from '../../testing/captured.ts'
import { ggufBytes, tinyGguf } from '../../testing/gguf.ts'
import { modelName, modelWord, runWord, showNext, studioCommand, withConfig } from './next.ts'
import { Output } from './output.ts'

const written = captured()
const before = process.cwd()
let home: string
beforeAll(() => {
  process.chdir(mkdtempSync(join(tmpdir(), 'ruminate-next-')))
  home = process.cwd()
  for (const run of [
    'runs/zero-1',
    'runs/miniature-base',
    'runs/taken',
    'runs/a run',
    'elsewhere/zero-2',
    'taken',
  ]) {
    mkdirSync(join(home, run, 'model'), { recursive: true })
    writeFileSync(join(home, run, 'model', 'config.json'), '{}')
  }
})
afterAll(() => {
  process.chdir(before)
  rmSync(home, { recursive: true })
})

describe('runs and models, as commands in this folder take them', () => {
  test.each([
    ['runs/zero-1', 'zero-1', 'zero-1'],
    ['runs/a run', "'a run'", "'a run'"],
    ['elsewhere/zero-2', 'elsewhere/zero-2', 'elsewhere/zero-2/model'],
    // an embedded model, or a folder here, has the name
    ['runs/miniature-base', 'runs/miniature-base', 'runs/miniature-base/model'],
    ['runs/taken', 'runs/taken', 'runs/taken/model'],
  ])('%s', async (run, asRun, asModel) => {
    const model = join(home, run, 'model')
    expect(runWord(join(home, run))).toBe(asRun)
    expect(modelWord(model)).toBe(asModel)
    expect(await modelFolder(asModel.replaceAll("'", ''))).toBe(model)
  })
  test('with the settings file that the run was started with', () => {
    expect(withConfig('zero', 'my settings.yaml', join(home, 'runs/zero-1/model'))).toBe(
      "zero --config 'my settings.yaml' --model zero-1",
    )
  })
  test('a GGUF file has its name, not that of the folder that it was converted to', async () => {
    vi.stubEnv('HF_HUB_CACHE', join(home, 'cache'))
    const file = join(home, 'My Tiny.gguf')
    writeFileSync(file, ggufBytes(tinyGguf()))
    const model = await modelFolder(file)
    expect([modelName(model), modelWord(model)]).toEqual(['My Tiny.gguf', "'My Tiny.gguf'"])
    vi.unstubAllEnvs()
  })
  test('an embedded model has its name', async () => {
    expect(modelName(await modelFolder('miniature-base'))).toBe('miniature-base')
    expect(modelName(join(packageRoot(), 'models', 'miniature-base'))).toBe('miniature-base')
  })
})

test('purposes stand beside the commands where there is room for all', () => {
  showNext(new Output({}), [
    ['chat --model zero-1', 'ask it something'],
    ['zero --seed 1', 'train with another seed'],
  ])
  expect(written.out).toContain(
    'Next\n  npx ruminate chat --model zero-1   ask it something\n  npx ruminate zero --seed 1         train with another seed\n',
  )
})

test('otherwise below them, and a command is never broken', () => {
  const long = `zero --model zero-1 ${'--set a=1 '.repeat(9)}`.trim()
  showNext(new Output({}), [
    ['chat --model zero-1', 'ask it something'],
    [long, 'go on'],
  ])
  expect(written.out).toContain(
    `Next\n  npx ruminate chat --model zero-1\n      ask it something\n  npx ruminate ${long}\n      go on\n`,
  )
})

test('the studio of a run is that of the folder around it', () => {
  expect(studioCommand('runs/zero-1')).toBe('studio')
  expect(studioCommand('elsewhere/zero-2')).toBe('studio elsewhere')
  expect(studioCommand('zero-2')).toBe(`studio ${home}`)
})

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FakeHub, writeHubCache } from '../testing/servers/fake-hub.ts'
import { EMBEDDED_BASE, modelFolder } from './find-model.ts'

const root = mkdtempSync(join(tmpdir(), 'ruminate-models-'))
afterAll(() => rmSync(root, { recursive: true }))

describe('on this machine', () => {
  test('a folder, a run, an embedded model', async () => {
    const run = join(root, 'run')
    mkdirSync(join(run, 'model'), { recursive: true })
    writeFileSync(join(run, 'model', 'config.json'), '{}')
    expect(await modelFolder(run)).toBe(join(run, 'model'))
    expect(await modelFolder(join(run, 'model'))).toBe(join(run, 'model'))
    expect(existsSync(join(await modelFolder(EMBEDDED_BASE), 'config.json'))).toBe(true)
  })
  describe('a run, inside runs/ and by its path', () => {
    const model = (...path: string[]): string => {
      const folder = join(root, 'work', 'runs', ...path)
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'config.json'), '{}')
      return folder
    }
    const run = (...path: string[]): string => {
      const folder = join(root, 'work', 'runs', ...path)
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'run.sqlite'), '')
      return folder
    }
    beforeEach(() => {
      vi.spyOn(process, 'cwd').mockReturnValue(join(root, 'work'))
    })
    afterEach(() => {
      vi.restoreAllMocks()
      rmSync(join(root, 'work'), { recursive: true, force: true })
    })

    test('its model, that of a stage, and a checkpoint', async () => {
      run('r1-1', 'rl-1')
      const trained = model('r1-1', 'rl-1', 'model')
      const checkpoint = model('r1-1', 'rl-1', 'checkpoints', 'step-000020')
      for (const [name, folder] of [
        ['r1-1/rl-1', trained],
        ['r1-1/rl-1/model', trained],
        ['r1-1/rl-1/checkpoints/step-000020', checkpoint],
      ] as const) {
        expect(await modelFolder(name)).toBe(folder)
        expect(await modelFolder(join('runs', name))).toBe(folder)
      }
    })

    test('that has not finished: its newest checkpoint, if it may be used', async () => {
      run('zero-1')
      const lines: string[] = []
      const find = (name: string) =>
        modelFolder(name, undefined, { onCheckpoint: (line) => lines.push(line) })
      await expect(find('zero-1')).rejects.toThrow(
        'zero-1 is a run that has not finished and has no checkpoint yet; `ruminate resume zero-1` continues it',
      )
      model('zero-1', 'checkpoints', 'step-000020')
      mkdirSync(join(root, 'work', 'runs', 'zero-1', 'checkpoints', '.tmp-1-1'))
      const newest = model('zero-1', 'checkpoints', 'step-001000')
      expect(await find('zero-1')).toBe(newest)
      expect(await find('runs/zero-1')).toBe(newest)
      expect(lines[0]).toBe('zero-1 has not finished: this is its newest checkpoint, of step 1000')
      await expect(modelFolder('zero-1')).rejects.toThrow(
        'or name its newest checkpoint, runs/zero-1/checkpoints/step-001000',
      )
    })

    test('of several stages that has not finished names the stages that have a model', async () => {
      run('r1-1')
      run('r1-1', 'zero')
      model('r1-1', 'zero', 'model')
      run('r1-1', 'rl-1')
      await expect(modelFolder('r1-1', undefined, { onCheckpoint: () => {} })).rejects.toThrow(
        '`ruminate resume r1-1` continues it, and these of its stages have a model: r1-1/zero',
      )
    })
  })

  test('neither a model nor a run', async () => {
    await expect(modelFolder(join(root, 'none'))).rejects.toThrow(
      /no model folder at .*; the embedded models are miniature-base, miniature-r1-base, miniature-r1-student/,
    )
    await expect(modelFolder('miniature-bsae')).rejects.toThrow(
      'no model folder at miniature-bsae; did you mean miniature-base?',
    )
    mkdirSync(join(root, 'empty'))
    await expect(modelFolder(join(root, 'empty'))).rejects.toThrow(/it has no config\.json/)
  })
})

describe('on the hub', () => {
  let hub: FakeHub
  beforeEach(async () => {
    vi.stubEnv('HF_HUB_CACHE', mkdtempSync(join(root, 'cache-')))
    vi.stubEnv('HF_TOKEN', '')
    vi.stubEnv('HF_ENDPOINT', '')
    for (const name of ['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE']) vi.stubEnv(name, '')
    hub = await FakeHub.start()
  })
  afterEach(async () => {
    await hub.stop()
    vi.unstubAllEnvs()
  })

  const text = { 'config.json': '{}', 'tokenizer.json': '{}', 'tokenizer_config.json': '{}' }
  const rest = { 'README.md': 'x', 'pytorch_model.bin': 'x', 'onnx/model.onnx': 'x' }
  const sharded = (...names: string[]): Record<string, string> => ({
    'model.safetensors.index.json': JSON.stringify({
      weight_map: Object.fromEntries(names.map((name, i) => [`t${i}`, name])),
    }),
    ...Object.fromEntries(names.map((name, i) => [name, `weights ${i}`])),
  })
  const shards = sharded('model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors')
  test.each([
    ['in one file', { 'model.safetensors': 'w' }, { 'consolidated.safetensors': 'c' }],
    ['in shards', shards, { 'consolidated-00001-of-00002.safetensors': 'c' }],
    [
      'in shards with other names',
      sharded('weights.0.safetensors', 'weights.1.safetensors'),
      { 'model-00001-of-00002.safetensors': 'c' },
    ],
    ['both ways', { 'model.safetensors': 'w' }, shards],
  ])('settings, tokenizer and weights %s; offline afterwards', async (_, weights, other) => {
    hub.add('owner/model', { ...rest, ...text, ...weights, ...other })
    const folder = await modelFolder('owner/model')
    expect(readdirSync(folder).sort()).toEqual(Object.keys({ ...text, ...weights }).sort())
    await hub.stop()
    expect(await modelFolder('owner/model')).toBe(folder)
  })

  test.each([['chat_template.jinja', 'additional_chat_templates/tool_use.jinja'], ['chat_template.json']])(
    'the chat template in %s',
    async (...templates) => {
      const named = Object.fromEntries(templates.map((path) => [path, 'x']))
      hub.add('owner/model', { ...rest, ...text, 'model.safetensors': 'w', ...named })
      const folder = await modelFolder('owner/model')
      expect(templates.filter((path) => !existsSync(join(folder, path)))).toEqual([])
    },
  )

  test.each([
    [text, 'model.safetensors'],
    [{ 'model.safetensors': 'w', 'config.json': '{}' }, 'tokenizer.json, tokenizer_config.json'],
  ])('a repository with %j alone', async (files, missing) => {
    hub.add('owner/old', { ...rest, ...files })
    await expect(modelFolder('owner/old')).rejects.toThrow(
      `owner/old is not a model that can be read: it has no ${missing}; it needs config.json and safetensors weights`,
    )
    expect(hub.log).toHaveLength(1)
  })

  test('an index that lists a shard which the repository does not have', async () => {
    const { 'model-00002-of-00002.safetensors': _, ...others } = shards
    hub.add('owner/model', { ...text, ...others })
    await expect(modelFolder('owner/model')).rejects.toThrow(
      'the model owner/model has no file model-00002-of-00002.safetensors',
    )
  })

  test('the error for a misspelt folder names it as a folder', async () => {
    await expect(modelFolder('runs/zero-99')).rejects.toThrow(
      /there is no folder runs\/zero-99, and the hub lookup failed: Hugging Face has no model/,
    )
  })

  describe('in a cache that another tool filled', () => {
    const commit = 'fedcba9876543210fedcba9876543210fedcba98'
    const cache = (files: Record<string, string>, ref: string | null = 'main') => {
      const folder = join(process.env.HF_HUB_CACHE!, 'models--owner--model')
      writeHubCache(folder, files, { commit, ref })
      return join(folder, 'snapshots', commit)
    }
    const unreachable = /cannot reach 127\.0\.0\.1:\d+ \(ECONNREFUSED\)/

    test.each([
      ['one file', { ...text, 'model.safetensors': 'w' }],
      ['shards', { ...text, ...shards, 'generation_config.json': '{}' }],
    ])('a complete model in %s is used without a network', async (_, files) => {
      const folder = cache({ ...rest, ...files })
      await hub.stop()
      expect(await modelFolder('owner/model')).toBe(folder)
      expect(await modelFolder(`owner/model@${commit}`)).toBe(folder)
    })

    test.each(['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'])('no request is made with %s', async (name) => {
      const folder = cache({ ...text, ...shards })
      hub.add('owner/model', { ...text, ...shards })
      vi.stubEnv(name, '1')
      expect(await modelFolder('owner/model')).toBe(folder)
      expect(hub.log).toEqual([])
    })

    const { 'model-00001-of-00002.safetensors': _first, ...withoutFirst } = shards
    const partial: [missing: string, files: Record<string, string>][] = [
      ['model-00001-of-00002.safetensors', { ...text, ...withoutFirst }],
      ['model.safetensors', text],
      ['tokenizer.json', { 'config.json': '{}', 'tokenizer_config.json': '{}', 'model.safetensors': 'w' }],
    ]
    test.each(partial)('without %s it is refused if there is no network', async (missing, files) => {
      const folder = cache(files)
      const lacks = `the copy of the model owner/model in ${folder} lacks ${missing}`
      await hub.stop()
      await expect(modelFolder('owner/model')).rejects.toThrow(lacks)
      await expect(modelFolder('owner/model')).rejects.toThrow(unreachable)
      vi.stubEnv('HF_HUB_OFFLINE', 'yes')
      await expect(modelFolder('owner/model')).rejects.toThrow(lacks)
      await expect(modelFolder('owner/model')).rejects.toThrow(/HF_HUB_OFFLINE is set/)
    })

    test.each(partial)('without %s it is completed at the same commit', async (missing, files) => {
      const whole = files === text ? { ...text, 'model.safetensors': 'w' } : { ...text, ...shards, ...files }
      hub.commit = commit
      hub.add('owner/model', { ...rest, ...whole })
      const folder = cache(files)
      expect(await modelFolder('owner/model')).toBe(folder)
      expect(hub.log).toEqual([
        `GET /api/models/owner/model/revision/${commit}`,
        `GET /owner/model/resolve/${commit}/${missing}`,
      ])
      await hub.stop()
      expect(await modelFolder('owner/model')).toBe(folder)
    })

    test('a link to content that was deleted counts as missing', async () => {
      const folder = cache({ ...text, ...shards })
      const blob = join(folder, readlinkSync(join(folder, 'model-00001-of-00002.safetensors')))
      rmSync(blob)
      await hub.stop()
      await expect(modelFolder('owner/model')).rejects.toThrow('lacks model-00001-of-00002.safetensors')
    })

    describe('with its list of files', () => {
      const files: Record<string, string> = { ...text, ...shards, 'generation_config.json': '{}' }
      const tree = (format_version: number) => {
        const folder = join(process.env.HF_HUB_CACHE!, 'models--owner--model', 'trees')
        mkdirSync(folder)
        const sizes = Object.entries(files).map(([path, { length }]) => [
          path,
          { size: length, blob_id: 'b' },
        ])
        writeFileSync(
          join(folder, `${commit}.json`),
          JSON.stringify({ format_version, files: Object.fromEntries(sizes) }),
        )
      }
      const { 'generation_config.json': _, ...others } = files

      test('no request is made if it is complete; any missing file is known otherwise', async () => {
        const folder = cache(files)
        tree(1)
        expect(await modelFolder('owner/model')).toBe(folder)
        expect(hub.log).toEqual([])
        vi.stubEnv('HF_HUB_OFFLINE', '1')
        rmSync(join(folder, 'generation_config.json'))
        await expect(modelFolder('owner/model')).rejects.toThrow(
          'lacks generation_config.json; HF_HUB_OFFLINE',
        )
      })

      test('in an unknown format the list is not used', async () => {
        const folder = cache(others)
        tree(2)
        await hub.stop()
        expect(await modelFolder('owner/model')).toBe(folder)
      })
    })

    test('a snapshot without the commit of its branch is named in the error', async () => {
      cache({ ...text, ...shards }, null)
      await hub.stop()
      await expect(modelFolder('owner/model')).rejects.toThrow(
        `the cache does not know the commit of "main", but has ${commit}: name it (owner/model@${commit})`,
      )
      await expect(modelFolder('owner/none')).rejects.toThrow(unreachable)
    })

    test('a hub that refuses, as for a private model without a token, leaves the copy usable', async () => {
      const folder = cache({ ...text, ...shards })
      expect(await modelFolder('owner/model')).toBe(folder)
    })
  })

  test('HF_HUB_OFFLINE: what is not in the cache is an error, also halfway through a download', async () => {
    hub.add('owner/model', { ...text, ...shards })
    vi.stubEnv('HF_HUB_OFFLINE', '1')
    await expect(modelFolder('owner/model')).rejects.toThrow(
      /HF_HUB_OFFLINE is set, so nothing is downloaded/,
    )
    expect(hub.log).toEqual([])
    vi.stubEnv('HF_HUB_OFFLINE', '0')
    vi.stubEnv('TRANSFORMERS_OFFLINE', '1')
    const folder = await modelFolder('owner/model')
    rmSync(join(folder, 'model-00002-of-00002.safetensors'))
    vi.stubEnv('HF_HUB_OFFLINE', 'ON')
    await expect(modelFolder('owner/model')).rejects.toThrow(
      `the copy of the model owner/model in ${folder} lacks model-00002-of-00002.safetensors; HF_HUB_OFFLINE is set`,
    )
  })
})

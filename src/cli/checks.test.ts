import { stripVTControlCharacters } from 'node:util'
import { beforeEach, expect, test, vi } from 'vitest'
import { UserError } from '../common/errors.ts'
import { sandboxFor } from '../sandbox/index.ts'
import { captured } from '../testing/captured.ts'
import { main } from './app.ts'

vi.mock('../sandbox/index.ts')
const written = captured()

interface Line {
  readonly type: string
  readonly name?: string
  readonly status?: string
  readonly detail?: string
  readonly ok?: boolean
}
const lines = (): Line[] =>
  written.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

/** JavaScript programs have a sandbox; Python programs end with this. */
let python: () => Promise<never>
beforeEach(() => {
  vi.mocked(sandboxFor).mockImplementation((language) =>
    language === 'python' ? python() : Promise.resolve({ name: 'QuickJS', run: vi.fn() }),
  )
})

test('a sandbox that is missing is skipped, and the machine is still fine', async () => {
  python = () => Promise.reject(new UserError('no sandbox; install bubblewrap'))
  expect(await main(['doctor', '--json'])).toBe(0)
  expect(lines().find(({ name }) => name === 'python programs')).toEqual({
    type: 'check',
    name: 'python programs',
    status: 'skip',
    detail:
      'no sandbox; install bubblewrap. Needed only where the task code and the reward code run Python programs',
  })
  expect(lines().find(({ name }) => name === 'onnx runtime')).toMatchObject({
    status: 'ok',
    detail: expect.stringMatching(/= 32$/),
  })
  expect(lines().at(-1)).toMatchObject({ type: 'result', ok: true })
  written.out = ''
  expect(await main(['doctor'])).toBe(0)
  const text = stripVTControlCharacters(written.out)
  expect(text).toMatch(/^skip {3}python programs {5}no sandbox; install bubblewrap\. Needed only where/m)
  expect(text).toMatch(/^This machine can train\.$/m)
  expect(text).toMatch(/^ok {5}javascript programs QuickJS$/m)
})

test('what a newcomer needs is checked, and what is missing is skipped with its use', async () => {
  python = () => Promise.reject(new UserError('no sandbox'))
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN']) vi.stubEnv(name, '')
  vi.stubEnv('HF_HOME', '/nowhere')
  expect(await main(['doctor', '--json'])).toBe(0)
  const needed = [
    'node',
    'ruminate',
    'onnx runtime',
    'sqlite',
    'cores',
    'memory',
    'write access',
    'disk space',
  ]
  for (const wanted of needed)
    expect(lines().find(({ name }) => name === wanted)).toMatchObject({ status: 'ok' })
  expect(lines().map(({ name }) => name)).toContain('processor')
  expect(lines().find(({ name }) => name === 'hub token')).toMatchObject({
    status: 'skip',
    detail: expect.stringMatching(/needed only for .*huggingface\.co\/settings\/tokens/),
  })
  vi.unstubAllEnvs()
})

test('a sandbox that fails for another reason is a failure', async () => {
  python = () => Promise.reject(new Error('out of memory'))
  expect(await main(['doctor', '--json'])).toBe(1)
  expect(lines().find(({ name }) => name === 'python programs')).toMatchObject({ status: 'failed' })
  expect(lines().at(-1)).toMatchObject({ type: 'result', ok: false })
})

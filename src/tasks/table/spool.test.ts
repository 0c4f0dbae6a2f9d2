import { tmpdir } from 'node:os'
import { afterEach, expect, test, vi } from 'vitest'
import { UserError } from '../../common/errors.ts'
import { Spool } from './spool.ts'

const full = vi.hoisted(() => ({ disk: false }))
vi.mock('node:fs', async (load) => {
  const fs = await load<typeof import('node:fs')>()
  const writeSync = (...args: Parameters<typeof fs.writeSync>): number => {
    if (full.disk)
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    return fs.writeSync(...args)
  }
  return { ...fs, writeSync }
})
afterEach(() => vi.unstubAllEnvs())

const fill = (): Spool => {
  const spool = new Spool()
  for (let i = 0; i < 5; i++) spool.push('x'.repeat(8 << 20))
  return spool
}

test('a full disk is said in one line', () => {
  fill().close()
  full.disk = true
  expect(fill).toThrow(UserError)
  expect(fill).toThrow(
    `cannot write a temporary file in ${tmpdir()} (TMPDIR names another folder): the disk is full`,
  )
  full.disk = false
})

test('so is a temporary folder that is not there', () => {
  vi.stubEnv('TMPDIR', '/nowhere')
  expect(fill).toThrow(/cannot write a temporary file in \/nowhere .*: there is no such file or folder/)
})

import { describe, expect, test } from 'vitest'
import { UserError } from '../errors.ts'
import { type DiskAction, diskError, onDisk } from './disk.ts'

const failure = (code: string) => Object.assign(new Error('x'), { code })

describe('a failing disk is one line', () => {
  const cases: [error: Error, action: DiskAction, message: string][] = [
    [failure('ENOSPC'), 'write', 'cannot write run.sqlite: the disk is full; make space'],
    [failure('SQLITE_FULL'), 'write', 'cannot write run.sqlite: the disk is full; make space'],
    [
      failure('SQLITE_IOERR_WRITE'),
      'write',
      'cannot write run.sqlite: the disk reports an input/output error (it may be full)',
    ],
    [
      failure('SQLITE_READONLY_DBMOVED'),
      'write',
      'cannot write run.sqlite: the file may not be written to; choose a folder that you may write to',
    ],
    // SQLITE_READONLY_DIRECTORY, as libsql names it
    [failure('UNKNOWN_SQLITE_ERROR_1544'), 'open', 'cannot open run.sqlite: the file may not be written to'],
    [
      failure('EACCES'),
      'create',
      'cannot create run.sqlite: permission denied; choose a folder that you may write to',
    ],
    [failure('EACCES'), 'read', 'cannot read run.sqlite: permission denied'],
    [
      new Error('Unable to open connection to local database run.sqlite: 14'),
      'open',
      'cannot open run.sqlite: it cannot be opened; check that the folder exists and is writable',
    ],
    [
      Object.assign(new Error('ConnectionFailed("Unable to open connection to local database: 14")'), {
        code: '',
      }),
      'open',
      'cannot open run.sqlite: it cannot be opened; check that the folder exists and is writable',
    ],
    [
      new Error('ENOSPC: no space left on device, write'),
      'write',
      'cannot write run.sqlite: the disk is full; make space',
    ],
  ]
  test.each(cases)('%o, %s', (error, action, message) => {
    const explained = diskError(error, action, 'run.sqlite')
    expect(explained).toBeInstanceOf(UserError)
    expect((explained as Error).message).toBe(message)
  })
})

test('any other error stays as it is', () => {
  for (const error of [
    new TypeError('a defect'),
    new UserError('known'),
    failure('EUNKNOWN'),
    failure('UNKNOWN_SQLITE_ERROR_19'),
    'text',
    null,
  ])
    expect(diskError(error, 'write', 'x')).toBe(error)
  const defect = new TypeError('a defect')
  expect(() =>
    onDisk('read', 'x', () => {
      throw defect
    }),
  ).toThrow(defect)
})

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from './files/package.ts'
import { Database, inTransaction } from './sqlite.ts'

test('Node is asked for no report that looks up the peers of open connections, and reports as before afterwards', () => {
  const program = `
    const make = process.report.getReport
    const asked = []
    process.report.getReport = (...given) => {
      asked.push(process.report.excludeNetwork)
      return make.call(process.report, ...given)
    }
    const { Database } = await import('./src/common/sqlite.ts')
    new Database(':memory:').exec('SELECT 1')
    console.log(JSON.stringify({ asked: asked.every(Boolean), after: process.report.excludeNetwork }))`
  const words = ['--import', 'tsx', '--input-type=module', '--eval', program]
  const { stdout, stderr } = spawnSync(process.execPath, words, {
    cwd: join(packageRoot()),
    encoding: 'utf8',
  })
  expect({ stdout, stderr }).toEqual({ stdout: '{"asked":true,"after":false}\n', stderr: '' })
})

test('a transaction that fails is undone, and its own error is told, also where SQLite has undone it already', () => {
  const database = new Database(':memory:')
  database.exec('CREATE TABLE t (a INTEGER)')
  const adding = (more: string) => () =>
    inTransaction(database, () => {
      database.exec('INSERT INTO t VALUES (1)')
      database.exec(more)
    })
  adding('INSERT INTO t VALUES (2)')()
  expect(adding('INSERT INTO nowhere VALUES (2)')).toThrow('no such table: nowhere')
  // as where the disk is full
  expect(adding('ROLLBACK; INSERT INTO nowhere VALUES (3)')).toThrow('no such table: nowhere')
  expect(database.prepare('SELECT count(*) AS n FROM t').all()).toEqual([{ n: 2 }])
  database.close()
})

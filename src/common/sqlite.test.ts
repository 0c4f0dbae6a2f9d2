import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from './files/package.ts'

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

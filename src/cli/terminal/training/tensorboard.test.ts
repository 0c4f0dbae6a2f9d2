import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { EVENT_FILES } from '../../../report/event-file.ts'
import { RunStore } from '../../../runs/store.ts'
import { captured } from '../../../testing/captured.ts'
import { Output } from '../output.ts'
import { writeEvents } from './tensorboard.ts'

const written = captured()
const root = mkdtempSync(join(tmpdir(), 'ruminate-tensorboard-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const eventFiles = (directory: string): string[] =>
  readdirSync(directory).filter((name) => name.startsWith(EVENT_FILES))

test('a run that had no events so far gets those of its earlier steps, too', () => {
  const store = RunStore.create({ recipe: 'zero', seed: 0, settings: {}, out: join(root, 'zero-1') })
  writeEvents(new Output({}), store).truncated(0)
  expect(eventFiles(store.directory)).toEqual([])
  store.record(1, { metrics: { loss: 2 } })
  store.record(2, { metrics: { loss: 1 } })
  writeEvents(new Output({}), store).truncated(2)
  expect(eventFiles(store.directory)).toHaveLength(1)
  store.close()
})

test('where the disk fails, that is said once and the training goes on', () => {
  const store = RunStore.create({ recipe: 'zero', seed: 0, settings: {}, out: join(root, 'zero-2') })
  store.close()
  rmSync(store.directory, { recursive: true })
  const events = writeEvents(new Output({}), store)
  events.recorded(1, { loss: 2 })
  events.recorded(2, { loss: 2 })
  expect(written.err.match(/no more events for TensorBoard/g)).toHaveLength(1)
})

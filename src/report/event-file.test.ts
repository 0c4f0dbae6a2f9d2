import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { observeRuns } from '../runs/observe.ts'
import { RunStore } from '../runs/store.ts'
import { EVENT_FILES, EventFile, maskedCrc } from './event-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ruminate-events-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
  vi.useRealTimers()
})

const files = (): string[] => readdirSync(folder).sort()

type Fields = Map<number, (number | Buffer)[]>

/** The fields of a message of protocol buffers. */
function fieldsOf(data: Buffer): Fields {
  const fields: Fields = new Map()
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 1; ; shift *= 128) {
      const byte = data[at++]!
      value += (byte & 127) * shift
      if (byte < 128) return value
    }
  }
  const take = (length: number): Buffer => {
    at += length
    return data.subarray(at - length, at)
  }
  while (at < data.length) {
    const key = varint()
    const wire = key & 7
    const value =
      wire === 0
        ? varint()
        : wire === 1
          ? take(8).readDoubleLE()
          : wire === 5
            ? take(4).readFloatLE()
            : take(varint())
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value])
  }
  return fields
}

/** The records of an event file, whose checksums are checked. */
function recordsIn(file: string): Fields[] {
  const data = readFileSync(join(folder, file))
  const records: Fields[] = []
  for (let at = 0; at < data.length; ) {
    const length = Number(data.readBigUInt64LE(at))
    expect(data.readUInt32LE(at + 8)).toBe(maskedCrc(data.subarray(at, at + 8)))
    const content = data.subarray(at + 12, at + 12 + length)
    expect(data.readUInt32LE(at + 12 + length)).toBe(maskedCrc(content))
    records.push(fieldsOf(content))
    at += length + 16
  }
  return records
}

/** The scalars of an event file: [tag, step, value]. */
const scalarsIn = (file: string): [string, number, number][] =>
  recordsIn(file).flatMap((event) => {
    const [summary] = event.get(5) ?? []
    if (summary === undefined) return []
    return fieldsOf(summary as Buffer)
      .get(1)!
      .map((one): [string, number, number] => {
        const value = fieldsOf(one as Buffer)
        const [tag, step, number] = [value.get(1)![0], event.get(2)?.[0] ?? 0, value.get(2)![0]]
        return [String(tag), step as number, number as number]
      })
  })

test('the checksum is CRC-32C, masked', () => {
  // CRC-32C("123456789") = 0xe3069283
  const crc = 0xe3069283
  expect(maskedCrc(Buffer.from('123456789'))).toBe((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0)
})

test('scalars by name and step, without those that are unknown, behind the version', () => {
  const file = new EventFile(folder)
  expect(files()).toEqual([])
  file.scalars(3, { 'reward/format': 0.5, kl: Number.NaN, 'total/flops': 2 ** 40 })
  file.scalars(100_000, { größe: -1 })
  file.scalars(4, { kl: Number.NaN })
  const [name] = files()
  expect(name).toMatch(/^events\.out\.tfevents\.\d+\..+/)
  const [version, ...events] = recordsIn(name!)
  expect(String(version!.get(3)![0])).toBe('brain.Event:2')
  expect(events).toHaveLength(2)
  expect(events[0]!.get(1)![0]).toBeCloseTo(Date.now() / 1000, -2)
  expect(scalarsIn(name!)).toEqual([
    ['reward/format', 3, 0.5],
    ['total/flops', 3, 2 ** 40],
    ['größe', 100_000, -1],
  ])
})

test('the file of a later session has a later name, also where the clock was set back', () => {
  new EventFile(folder).scalars(1, { loss: 1 })
  vi.setSystemTime(Date.now() - 86_400_000)
  const second = new EventFile(folder)
  expect(second.isContinued).toBe(true)
  second.begins(2)
  const [, later] = files()
  const [, start] = recordsIn(later!)
  expect(start!.get(2)).toEqual([2])
  expect(fieldsOf(start!.get(7)![0] as Buffer).get(1)).toEqual([1])
})

test('runs that begin are observed, until that ends', () => {
  const seen: unknown[] = []
  const end = observeRuns(({ directory }) => ({
    recorded: (step, metrics) => seen.push([directory, step, metrics]),
    truncated: (step) => seen.push(['truncated', step]),
  }))
  const out = join(folder, 'zero-1')
  const store = RunStore.create({ recipe: 'zero', seed: 0, settings: {}, out })
  store.record(1, { metrics: { loss: 2 } })
  store.truncateAfter(0)
  store.close()
  RunStore.open(out).close()
  end()
  const later = RunStore.open(out, { write: true })
  later.record(1, { metrics: { loss: 3 } })
  later.close()
  expect(seen).toEqual([
    [out, 1, { loss: 2 }],
    ['truncated', 0],
  ])
  expect(files().filter((name) => name.startsWith(EVENT_FILES))).toEqual([])
})

import { appendFileSync, readdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { onDisk } from '../common/files/disk.ts'

/*
 * Event files of TensorBoard: a sequence of records (TFRecord) that are messages of protocol buffers.
 *
 *   record  = uint64 length, uint32 crc(length), data, uint32 crc(data)      (little-endian, crc: `maskedCrc`)
 *   Event   { 1: double wall_time; 2: int64 step; 3: string file_version; 5: Summary summary; 7: SessionLog session_log }
 *   Summary { 1: repeated Value value }, Value { 1: string tag; 2: float simple_value }, SessionLog { 1: Status status }
 */

/** How the names of event files begin: TensorBoard reads those alone. */
export const EVENT_FILES = 'events.out.tfevents.'

/** An event file in a folder, which is made with the first event. */
export class EventFile {
  readonly #folder: string
  #file: string | null = null

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Is there an event file of an earlier session in the folder? */
  get isContinued(): boolean {
    return this.#secondsOfOthers().length > 0
  }

  /** Writes one value of each of several series; those that are not finite are left out. @throws UserError if the disk fails. */
  scalars(step: number, values: Readonly<Record<string, number>>): void {
    const known = Object.entries(values).filter(([, value]) => Number.isFinite(value))
    if (known.length === 0) return
    const summary = known.flatMap(([tag, value]) =>
      bytesField(1, [...textField(1, tag), ...floatField(2, value)]),
    )
    this.#write([...varintField(2, step), ...bytesField(5, summary)])
  }

  /** Says that a session begins at this step: TensorBoard drops what earlier files have of it and of later ones. */
  begins(step: number): void {
    const START = 1
    this.#write([...varintField(2, step), ...bytesField(7, varintField(1, START))])
  }

  #write(event: readonly number[]): void {
    const isFirst = this.#file === null
    // later files must have later names, also where the clock was set back
    this.#file ??= join(
      this.#folder,
      `${EVENT_FILES}${Math.max(Math.floor(now()), ...this.#secondsOfOthers().map((s) => s + 1))}.${hostname()}.${process.pid}`,
    )
    const file = this.#file
    const version = isFirst ? record([...doubleField(1, now()), ...textField(3, 'brain.Event:2')]) : []
    const data = Buffer.from([...version, ...record([...doubleField(1, now()), ...event])])
    onDisk('write', file, () => appendFileSync(file, data))
  }

  #secondsOfOthers(): number[] {
    const names = onDisk('read', this.#folder, () => readdirSync(this.#folder))
    return names
      .filter((name) => name.startsWith(EVENT_FILES))
      .map((name) => Number.parseInt(name.slice(EVENT_FILES.length), 10))
      .filter(Number.isFinite)
  }
}

/** Seconds since 1970. */
const now = (): number => Date.now() / 1000

function record(data: readonly number[]): number[] {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(data.length))
  return [...length, ...uint32(maskedCrc(length)), ...data, ...uint32(maskedCrc(data))]
}

function uint32(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24]
}

/** CRC-32C (Castagnoli), reflected polynomial 0x82f63b78, of every byte. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

/** The checksum of a record: ((crc >> 15 | crc << 17) + 0xa282ead8) mod 2³², where crc is CRC-32C. */
export function maskedCrc(data: Iterable<number>): number {
  let crc = 0xffffffff
  for (const byte of data) crc = TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8)
  crc = ~crc >>> 0
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/* Fields of protocol buffers: a key, which is number · 8 + type of wire, and a value. */

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return [...bytes, rest]
}
const varintField = (field: number, value: number): number[] => [field * 8, ...varint(value)]
const bytesField = (field: number, bytes: readonly number[]): number[] => [
  field * 8 + 2,
  ...varint(bytes.length),
  ...bytes,
]
const textField = (field: number, text: string): number[] => bytesField(field, [...Buffer.from(text)])
function doubleField(field: number, value: number): number[] {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return [field * 8 + 1, ...bytes]
}
function floatField(field: number, value: number): number[] {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return [field * 8 + 5, ...bytes]
}

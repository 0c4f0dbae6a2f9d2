import type { Random } from '../src/common/random.ts'

/** Numbers that a damaged count, length, offset or type may have. */
const NUMBERS = [
  0n,
  1n,
  2n,
  7n,
  8n,
  9n,
  31n,
  255n,
  65_535n,
  1_000_000n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
]

/** A copy of a file with one to four faults in the `header` bytes at its beginning, or cut off. */
export function mutate(file: Buffer, header: number, random: Random): Buffer {
  let bytes = Buffer.from(file)
  const place = (): number => random.int(0, Math.max(0, Math.min(header, bytes.length) - 1))
  for (let fault = random.int(0, 3); fault >= 0; fault--) {
    if (bytes.length === 0) break
    const at = place()
    const to = Math.min(place(), at + 64)
    const number = NUMBERS[random.int(0, NUMBERS.length - 1)]!
    switch (random.int(0, 7)) {
      case 0:
        bytes[at] = random.int(0, 255)
        break
      case 1:
        bytes[at]! ^= 1 << random.int(0, 7)
        break
      case 2:
        if (at + 4 <= bytes.length) bytes.writeUInt32LE(Number(number & 0xffffffffn), at)
        break
      case 3:
        if (at + 8 <= bytes.length) bytes.writeBigUInt64LE(number, at)
        break
      case 4:
        bytes = bytes.subarray(0, random.int(0, 1) === 0 ? at : random.int(0, bytes.length))
        break
      case 5:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(at, to))])
        break
      case 6:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(at, to))])
        break
      case 7:
        // text: another digit, bracket or quote
        bytes[at] = '0123456789-.eE[]{}",:\\ntf'.charCodeAt(random.int(0, 25))
        break
    }
  }
  return bytes
}

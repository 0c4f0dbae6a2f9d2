import { createReadStream, statSync } from 'node:fs'
import { join } from 'node:path'

const BLOCK = 512

/** Some files of a folder, and empty ones, as a tar archive (POSIX.1-1988, ustar). */
export async function* tar(
  folder: string,
  names: readonly string[],
  { empty = [] }: { readonly empty?: readonly string[] } = {},
): AsyncGenerator<Uint8Array> {
  for (const name of names) {
    const path = join(folder, name)
    const { size } = statSync(path)
    yield header(name, size)
    yield* createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>
    yield new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK)
  }
  for (const name of empty) yield header(name, 0)
  yield new Uint8Array(2 * BLOCK)
}

/** How long the archive is, in bytes. */
export const tarBytes = (folder: string, names: readonly string[], empty: readonly string[] = []): number =>
  names.reduce((sum, name) => sum + BLOCK + Math.ceil(statSync(join(folder, name)).size / BLOCK) * BLOCK, 0) +
  (empty.length + 2) * BLOCK

function header(name: string, size: number): Uint8Array {
  const block = Buffer.alloc(BLOCK)
  const octal = (value: number, width: number): string => value.toString(8).padStart(width - 1, '0')
  block.write(name, 0, 100)
  block.write(octal(0o644, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  // twelve octal digits hold sizes below 8 GiB, and GNU's binary form the others
  if (size < 8 ** 11) block.write(octal(size, 12), 124)
  else {
    block[124] = 0x80
    block.writeBigUInt64BE(BigInt(size), 128)
  }
  block.write(octal(0, 12), 136)
  block.write(' '.repeat(8), 148)
  block.write('0', 156)
  block.write('ustar\u000000', 257)
  block.write(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      7,
    )}\u0000 `,
    148,
  )
  return block
}

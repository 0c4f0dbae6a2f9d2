import { join } from 'node:path'
import { expect, test } from 'vitest'
import { conversions, howToRestore } from './hub-cache.ts'

test.each([
  [
    join(conversions(), 'a-0123456789ab'),
    '`ruminate chat --model FILE.gguf` with the same file makes it again',
  ],
  ['/cache/models--Owner--a-b.c/snapshots/0123', '`ruminate chat --model Owner/a-b.c` downloads it again'],
  ['/models/mine', 'if it has been moved, move it back or make a link there'],
])('what to do about %s, which is no longer there', (folder, advice) => {
  expect(howToRestore(folder)).toContain(advice)
})

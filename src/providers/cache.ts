import { createHash } from 'node:crypto'
import { dirname } from 'node:path'
import { type DiskAction, onDisk } from '../common/files/disk.ts'
import { makeFolder } from '../common/files/files.ts'
import { Database } from '../common/sqlite.ts'
import type { Generation, Generator } from './generator.ts'

const SCHEMA = `
PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;
CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, request TEXT NOT NULL, reply TEXT NOT NULL) WITHOUT ROWID;
`

/**
 * The same generator with its replies kept in a SQLite file, by model, settings, messages and seed. A request whose reply
 * is in the file is not made again, in this run or any other.
 *
 * @throws UserError if the file cannot be opened, read or written.
 */
export function cachedGenerator(generator: Generator, file: string): Generator {
  const onCache = <T>(action: DiskAction, work: () => T) =>
    onDisk(action, `the cache of replies ${file}`, work)
  const { database, find, keep } = onCache('open', () => {
    makeFolder(dirname(file))
    const opened = new Database(file, { timeout: 5000 })
    opened.exec(SCHEMA)
    return {
      database: opened,
      find: opened.prepare('SELECT reply FROM replies WHERE key = ?'),
      keep: opened.prepare('INSERT OR IGNORE INTO replies (key, request, reply) VALUES (?, ?, ?)'),
    }
  })
  const pending = new Map<string, Promise<Generation>>()
  let cached = 0
  return {
    identity: generator.identity,
    spent() {
      const spent = generator.spent()
      return { ...spent, cached: spent.cached + cached }
    },
    async generate(messages, { seed }) {
      const request = JSON.stringify([generator.identity, seed, messages])
      const key = createHash('sha256').update(request).digest('hex')
      const known = onCache('read', () => find.get(key)) as { reply: string } | undefined
      const same = pending.get(key)
      if (known || same) cached++
      if (known) return JSON.parse(known.reply) as Generation
      if (same) return same
      const reply = generator.generate(messages, { seed }).then((generation) => {
        onCache('write', () => keep.run(key, request, JSON.stringify(generation)))
        return generation
      })
      pending.set(key, reply)
      try {
        return await reply
      } finally {
        pending.delete(key)
      }
    },
    async close() {
      // Pending replies will be charged, so wait for and store them.
      await Promise.allSettled(pending.values())
      database.close()
      await generator.close()
    },
  }
}

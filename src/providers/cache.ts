import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'libsql'
import { UserError } from '../common/errors.ts'
import type { Generation, Generator } from './generator.ts'

const SCHEMA = `
PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;
CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, request TEXT NOT NULL, reply TEXT NOT NULL) WITHOUT ROWID;
`

/**
 * The same generator, which remembers its replies in a SQLite file by their content: model, settings, messages and
 * seed. What was answered once is never asked again, by this run, a resumed one or another.
 */
export function cachedGenerator(generator: Generator, file: string): Generator {
  const { database, find, keep } = guard(file, () => {
    mkdirSync(dirname(file), { recursive: true })
    const opened = new Database(file, { timeout: 5000 })
    opened.exec(SCHEMA)
    return {
      database: opened,
      find: opened.prepare('SELECT reply FROM replies WHERE key = ?'),
      keep: opened.prepare('INSERT OR IGNORE INTO replies (key, request, reply) VALUES (?, ?, ?)'),
    }
  })
  const underWay = new Map<string, Promise<Generation>>()
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
      const known = guard(file, () => find.get(key)) as { reply: string } | undefined
      const waiting = underWay.get(key)
      if (known || waiting) cached++
      if (known) return JSON.parse(known.reply) as Generation
      if (waiting) return waiting
      const asking = generator.generate(messages, { seed }).then((reply) => {
        guard(file, () => keep.run(key, request, JSON.stringify(reply)))
        return reply
      })
      underWay.set(key, asking)
      try {
        return await asking
      } finally {
        underWay.delete(key)
      }
    },
    async close() {
      // what is being answered is paid for
      await Promise.allSettled(underWay.values())
      database.close()
      await generator.close()
    },
  }
}

function guard<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new UserError(
      `cannot use the cache of replies ${file}: ${(error as Error).message}; choose another file, or make space`,
    )
  }
}

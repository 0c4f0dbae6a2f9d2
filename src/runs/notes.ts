import { UserError } from '../common/errors.ts'
import { onDisk } from '../common/files/disk.ts'
import { inTransaction, type SqliteDatabase } from '../common/sqlite.ts'
import { databaseFile, openDatabase } from './database.ts'

/**
 * Sets the note of a run, also of one in progress; an empty text removes it.
 *
 * @throws UserError if it is not a run, or may not be written to.
 */
export function setNote(directory: string, text: string): void {
  changeRun(directory, (database) => {
    database.prepare('DELETE FROM notes').run()
    if (text.trim() !== '') database.prepare('INSERT INTO notes VALUES (?)').run(text.trim())
  })
}

/** Characters of a tag, and tags of a run, at most. */
const [TAG_LENGTH, TAGS] = [40, 20]

/**
 * Sets the tags of a run, also of one in progress, in the place of those that it has. Spaces around tags, and tags that are
 * empty, do not count. Returns the tags.
 *
 * @throws UserError for tags that are too long or too many; if it is not a run, or may not be written to.
 */
export function setTags(directory: string, tags: readonly string[]): string[] {
  const names = [...new Set(tags.map((tag) => tag.trim()).filter((tag) => tag !== ''))].sort()
  const wrong = names.find((name) => name.length > TAG_LENGTH || /[,\p{Cc}]/u.test(name))
  if (wrong !== undefined)
    throw new UserError(
      `${JSON.stringify(wrong.slice(0, 2 * TAG_LENGTH))} is not a tag; a tag has at most ${TAG_LENGTH} characters, no comma and no line break`,
      2,
    )
  if (names.length > TAGS)
    throw new UserError(`${names.length} tags are too many; a run has at most ${TAGS}`, 2)
  changeRun(directory, (database) => {
    database.prepare('DELETE FROM tags').run()
    for (const name of names) database.prepare('INSERT INTO tags VALUES (?)').run(name)
  })
  return names
}

/** Changes a run in one transaction, also one in progress. @throws UserError if it may not be written to. */
export function changeRun(directory: string, work: (database: SqliteDatabase) => unknown): void {
  const file = databaseFile(directory)
  const database = openDatabase(file, { write: true })
  try {
    onDisk('write', file, () => inTransaction(database, () => work(database)))
  } finally {
    database.close()
  }
}

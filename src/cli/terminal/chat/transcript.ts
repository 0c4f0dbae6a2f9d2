import { existsSync, writeFileSync } from 'node:fs'
import { extname } from 'node:path'
import { UserError } from '../../../common/errors.ts'
import { onDisk } from '../../../common/files/disk.ts'
import type { Conversation } from '../../../stages/sample/conversation.ts'
import { folded } from './reply.ts'

/** How a conversation is written, by the ending of the file. */
const WRITERS = { '.json': asJson, '.md': asMarkdown } as const

/**
 * Writes a conversation to a file: JSON or Markdown, by its ending. `mine` are the files that it was written to before,
 * which are replaced.
 *
 * @throws UserError for another ending, a file that is there already, or one that cannot be written.
 */
export function saveConversation(conversation: Conversation, file: string, mine: Set<string>): void {
  const write = WRITERS[extname(file).toLowerCase() as keyof typeof WRITERS]
  if (!write) throw new UserError(`${file}: a conversation is saved as .json or .md`, 2)
  if (existsSync(file) && !mine.has(file)) throw new UserError(`${file} is there already: give another name`)
  onDisk('write', file, () => writeFileSync(file, write(conversation)))
  mine.add(file)
}

function asJson({ system, turns }: Conversation): string {
  const messages = turns.flatMap(({ question, reply, model }) => [
    { role: 'user', content: question },
    {
      role: 'assistant',
      content: reply.answer ?? '',
      ...(reply.thinking === null ? {} : { reasoning_content: reply.thinking }),
      model,
      usage: reply.end?.usage ?? null,
      statistics: reply.statistics,
    },
  ])
  const all = system === null ? messages : [{ role: 'system', content: system }, ...messages]
  return `${JSON.stringify({ messages: all }, null, 2)}\n`
}

function asMarkdown({ system, turns }: Conversation): string {
  const parts = turns.map(({ question, reply, model }) =>
    [
      `## You\n\n${question}`,
      `## ${model}`,
      ...(reply.thinking === null
        ? []
        : [`<details>\n<summary>${folded(reply.statistics)}</summary>\n\n${reply.thinking}\n\n</details>`]),
      reply.answer ?? '*(no answer)*',
    ].join('\n\n'),
  )
  return `${[...(system === null ? [] : [`## System\n\n${system}`]), ...parts].join('\n\n')}\n`
}

import { UserError } from '../../../common/errors.ts'
import { shellWord } from '../../../common/shell.ts'
import type { Reader, Row } from '../../rows.ts'
import { textBlocks } from './text.ts'

/** Reads one JSON object per line; empty lines are skipped. The columns are the keys of the first object. */
export const jsonlRows: Reader = async function* (path, { need, onTorn, onProgress }) {
  let first = true
  for await (const block of textBlocks(path, onProgress)) {
    const lines = block.text.split('\n')
    for (const [i, text] of lines.entries()) {
      if (text.trim() === '') continue
      const line = block.line + i
      if (first && text.trimStart().startsWith('['))
        throw new UserError(
          `${path} is a JSON array, not one object per line; to convert it: ${linesCommand(path)}`,
        )
      let cells: unknown
      try {
        cells = JSON.parse(text)
      } catch (error) {
        const reason = `not JSON (${(error as Error).message})`
        if (!block.open || i < lines.length - 1) throw new UserError(`${path}, line ${line}: ${reason}`)
        onTorn(line, reason)
        return
      }
      if (typeof cells !== 'object' || cells === null || Array.isArray(cells))
        throw new UserError(`${path}, line ${line}: not a JSON object ({"question": …, "answer": …})`)
      if (first) need(Object.keys(cells))
      first = false
      yield { line, cells: cells as Row['cells'] }
    }
  }
}

/** The command that turns a JSON array into JSON Lines. */
export function linesCommand(path: string): string {
  const to = path.replace(/\.json$/i, '').replace(/\.jsonl$|\.ndjson$/i, '.lines')
  return `jq -c '.[]' ${shellWord(path)} > ${shellWord(`${to}.jsonl`)}`
}

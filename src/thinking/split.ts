/**
 * Takes a response of any thinking model apart at its first `</think>`. A response that has no `<think>` in front of it
 * began inside the thinking: its prompt opened it. `opened`: the prompt did, for certain.
 *
 * `thinking` is `null` where there is none; `answer` is `null` where the thinking did not end.
 */
export function splitThinking(
  text: string,
  { opened = false }: { opened?: boolean } = {},
): { thinking: string | null; answer: string | null } {
  const begins = /^\s*<think>/.exec(text)
  const from = begins?.[0].length ?? 0
  const close = text.indexOf('</think>', from)
  if (!begins && !opened && (close < 0 || text.slice(0, close).includes('<think>')))
    return { thinking: null, answer: text.trim() }
  if (close < 0) return { thinking: text.slice(from).trim(), answer: null }
  return { thinking: text.slice(from, close).trim(), answer: text.slice(close + '</think>'.length).trim() }
}

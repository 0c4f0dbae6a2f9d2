/**
 * Splits a response of any thinking model at its first `</think>`. If no `<think>` comes before it, the prompt must have
 * ended with `<think>`; `opened` says that the prompt certainly did, so that thinking without an end tag is recognised.
 *
 * `thinking` is `null` if there is none; `answer` is `null` if the thinking did not end.
 */
export function splitThinking(
  text: string,
  { opened = false }: { opened?: boolean } = {},
): { thinking: string | null; answer: string | null } {
  const opening = /^\s*<think>/.exec(text)
  const from = opening?.[0].length ?? 0
  const close = text.indexOf('</think>', from)
  if (!opening && !opened && (close < 0 || text.slice(0, close).includes('<think>')))
    return { thinking: null, answer: text.trim() }
  if (close < 0) return { thinking: text.slice(from).trim(), answer: null }
  return { thinking: text.slice(from, close).trim(), answer: text.slice(close + '</think>'.length).trim() }
}

import type { TextEnd, TextEvent, TextResponse, ToolCall } from './model.ts'

/**
 * Reads a response to its end.
 *
 * @throws Error if it has no end.
 */
export async function collect(events: AsyncIterable<TextEvent>): Promise<TextResponse> {
  const text: { thinking: string | null; answer: string | null } = { thinking: null, answer: null }
  const toolCalls: ToolCall[] = []
  let end: TextEnd | null = null
  for await (const event of events) {
    if (event.type === 'thinking' || event.type === 'answer')
      text[event.type] = (text[event.type] ?? '') + event.text
    else if (event.type === 'tool_call') toolCalls.push(event)
    else if (event.type === 'end') end = event
  }
  if (end === null) throw new Error('the response has no end')
  return { thinking: text.thinking?.trim() ?? null, answer: text.answer?.trim() ?? null, toolCalls, end }
}

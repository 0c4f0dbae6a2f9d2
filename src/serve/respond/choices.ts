import type { TextEnd, TextEvent, TextPiece, ToolCall } from '../../thinking/model.ts'
import type { Choice, ChoiceEvent } from '../dialect.ts'

/**
 * The events of several responses as they come. Nothing is asked for that the reader has not room for: each response is at
 * most one event ahead. Fails as soon as one of them fails.
 */
export async function* merge(responses: readonly AsyncIterable<TextEvent>[]): AsyncGenerator<ChoiceEvent> {
  const iterators = responses.map((response) => response[Symbol.asyncIterator]())
  const arrived: { choice: number; result: IteratorResult<TextEvent> | null; error?: unknown }[] = []
  let wake = (): void => {}
  const pull = (choice: number): void => {
    iterators[choice]!.next().then(
      (result) => {
        arrived.push({ choice, result })
        wake()
      },
      (error) => {
        arrived.push({ choice, result: null, error })
        wake()
      },
    )
  }
  let open = iterators.length
  try {
    iterators.forEach((_, choice) => {
      pull(choice)
    })
    while (open > 0) {
      const next = arrived.shift()
      if (!next) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      const { choice, result, error } = next
      if (result === null) throw error
      if (result.done) open--
      else {
        yield { choice, event: result.value }
        pull(choice)
      }
    }
  } finally {
    // a response that is waiting for its model ends by its signal, not by this
    for (const iterator of iterators) iterator.return?.().catch(() => {})
  }
}

/**
 * Leaves out the white space at both ends of a response's thinking and of its answer, so that the pieces of a stream add up
 * to the text of a response that is not streamed. Pieces keep their tokens, also when nothing of their text is left.
 */
export async function* trimEnds(response: AsyncIterable<TextEvent>): AsyncGenerator<TextEvent> {
  const begun = { thinking: false, answer: false }
  const held = { thinking: '', answer: '' }
  for await (const event of response) {
    if (event.type !== 'thinking' && event.type !== 'answer') {
      yield event
      continue
    }
    const { type } = event
    const text = begun[type] ? held[type] + event.text : event.text.trimStart()
    const kept = text.trimEnd()
    if (kept !== '') begun[type] = true
    held[type] = kept === '' && !begun[type] ? '' : text.slice(kept.length)
    yield { ...event, text: kept }
  }
}

/**
 * Reads responses to their ends.
 *
 * @throws Error if one has no end.
 */
export async function collectChoices(events: AsyncIterable<ChoiceEvent>, count: number): Promise<Choice[]> {
  const parts = Array.from({ length: count }, () => ({
    thinking: null as string | null,
    answer: null as string | null,
    toolCalls: [] as ToolCall[],
    pieces: [] as TextPiece[],
    firstAt: null as number | null,
    end: null as TextEnd | null,
  }))
  for await (const { choice, event } of events) {
    const part = parts[choice]!
    if (event.type !== 'progress') part.firstAt ??= performance.now()
    if (event.type === 'thinking' || event.type === 'answer') {
      part.pieces.push(event)
      if (event.text !== '') part[event.type] = (part[event.type] ?? '') + event.text
    } else if (event.type === 'tool_call') part.toolCalls.push(event)
    else if (event.type === 'end') part.end = event
  }
  return parts.map(({ end, ...rest }) => {
    if (end === null) throw new Error('the response has no end')
    return { ...rest, end }
  })
}

import { randomUUID } from 'node:crypto'
import type { TextEnd, TextPiece, ToolCall } from '../../../thinking/model.ts'
import type { Frame } from '../../dialect.ts'
import { logprobsOf } from './shared.ts'

type Item = { id: string; status: string } & Record<string, unknown>

/**
 * Builds a response of OpenAI's Responses, item by item, and the events of its stream on the way. The thinking is given
 * twice, as `content` and as a `summary` of the same text, since some clients read the one and some the other.
 */
export class ResponseWriter {
  private readonly head: object
  private readonly withLogprobs: boolean
  private readonly output: Item[] = []
  private sequence = 0
  private open: { type: 'thinking' | 'answer'; text: string; logprobs: object[] } | null = null
  private rest: Record<string, unknown> = {
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    usage: null,
  }

  constructor(echoed: object, { withLogprobs }: { readonly withLogprobs: boolean }) {
    this.head = {
      id: `resp_${randomUUID().replaceAll('-', '')}`,
      object: 'response',
      created_at: Math.floor(Date.now() / 1000),
      ...echoed,
    }
    this.withLogprobs = withLogprobs
  }

  /** Its items so far. */
  get items(): readonly Item[] {
    return this.output
  }

  /** The response so far. */
  get response(): object {
    const texts = this.output.flatMap(({ type, content }) =>
      type === 'message' ? (content as { text: string }[]) : [],
    )
    return {
      ...this.head,
      ...this.rest,
      output: structuredClone(this.output),
      // OpenAI's client adds this by itself, but not in every way of reading a response
      output_text: texts.map(({ text }) => text).join(''),
    }
  }

  frame(type: string, fields: object): Frame {
    return { event: type, data: { type, sequence_number: this.sequence++, ...fields } }
  }

  begin(): Frame[] {
    return ['response.created', 'response.in_progress'].map((type) =>
      this.frame(type, { response: this.response }),
    )
  }

  push(event: TextPiece | ToolCall): Frame[] {
    if (event.type === 'tool_call') return [...this.close('completed'), ...this.call(event)]
    const logprobs = this.withLogprobs ? logprobsOf(event.logprobs ?? []) : []
    if (event.text === '' && (logprobs.length === 0 || event.type === 'thinking')) return []
    const frames =
      this.open?.type === event.type ? [] : [...this.close('completed'), ...this.begun(event.type)]
    const open = this.open!
    open.text += event.text
    open.logprobs.push(...logprobs)
    const delta = { ...this.place, delta: event.text }
    if (event.type === 'answer')
      return [...frames, this.frame('response.output_text.delta', { ...delta, content_index: 0, logprobs })]
    frames.push(this.frame('response.reasoning_text.delta', { ...delta, content_index: 0 }))
    frames.push(this.frame('response.reasoning_summary_text.delta', { ...delta, summary_index: 0 }))
    return frames
  }

  end(reason: TextEnd['reason'], usage: object | null): Frame[] {
    const cut = reason === 'length' ? 'max_output_tokens' : reason === 'content_filter' ? reason : null
    const frames = this.close(cut === null ? 'completed' : 'incomplete')
    this.rest = {
      ...this.rest,
      status: cut === null ? 'completed' : 'incomplete',
      incomplete_details: cut === null ? null : { reason: cut },
      usage,
    }
    return [...frames, this.frame(`response.${this.rest.status}`, { response: this.response })]
  }

  fail(error: { readonly code: string; readonly message: string }): Frame[] {
    this.rest = { ...this.rest, status: 'failed', error }
    return [this.frame('response.failed', { response: this.response })]
  }

  /** Where the item that is written stands. */
  private get place(): { output_index: number; item_id: string } {
    return { output_index: this.output.length - 1, item_id: this.output.at(-1)!.id }
  }

  private begun(type: 'thinking' | 'answer'): Frame[] {
    this.open = { type, text: '', logprobs: [] }
    const item: Item =
      type === 'thinking'
        ? { id: identifier('rs'), type: 'reasoning', status: 'in_progress', summary: [], content: [] }
        : { id: identifier('msg'), type: 'message', status: 'in_progress', role: 'assistant', content: [] }
    const frames = [this.added(item)]
    const part = type === 'thinking' ? { type: 'reasoning_text', text: '' } : outputText('', [])
    frames.push(this.frame('response.content_part.added', { ...this.place, content_index: 0, part }))
    if (type === 'thinking')
      frames.push(
        this.frame('response.reasoning_summary_part.added', {
          ...this.place,
          summary_index: 0,
          part: { type: 'summary_text', text: '' },
        }),
      )
    return frames
  }

  private close(status: 'completed' | 'incomplete'): Frame[] {
    if (this.open === null) return []
    const { type, text, logprobs } = this.open
    this.open = null
    const item = this.output.at(-1)!
    const content = { ...this.place, content_index: 0 }
    const frames: Frame[] = []
    const part = type === 'thinking' ? { type: 'reasoning_text', text } : outputText(text, logprobs)
    item.content = [part]
    frames.push(
      type === 'thinking'
        ? this.frame('response.reasoning_text.done', { ...content, text })
        : this.frame('response.output_text.done', { ...content, text, logprobs }),
      this.frame('response.content_part.done', { ...content, part }),
    )
    if (type === 'thinking') {
      const summary = { ...this.place, summary_index: 0 }
      const summaryPart = { type: 'summary_text', text }
      item.summary = [summaryPart]
      frames.push(
        this.frame('response.reasoning_summary_text.done', { ...summary, text }),
        this.frame('response.reasoning_summary_part.done', { ...summary, part: summaryPart }),
      )
    }
    return [...frames, this.done(status)]
  }

  private call({ id, name, arguments: values }: ToolCall): Frame[] {
    const item: Item = {
      id: identifier('fc'),
      type: 'function_call',
      status: 'in_progress',
      call_id: id,
      name,
      arguments: '',
    }
    const frames = [this.added(item)]
    const written = JSON.stringify(values)
    item.arguments = written
    return [
      ...frames,
      this.frame('response.function_call_arguments.delta', { ...this.place, delta: written }),
      this.frame('response.function_call_arguments.done', { ...this.place, name, arguments: written }),
      this.done('completed'),
    ]
  }

  private added(item: Item): Frame {
    this.output.push(item)
    return this.item('response.output_item.added')
  }

  private done(status: string): Frame {
    this.output.at(-1)!.status = status
    return this.item('response.output_item.done')
  }

  private item(type: string): Frame {
    const { output_index } = this.place
    return this.frame(type, { output_index, item: structuredClone(this.output.at(-1)!) })
  }
}

const outputText = (text: string, logprobs: readonly object[]): object => ({
  type: 'output_text',
  text,
  annotations: [],
  logprobs: [...logprobs],
})

const identifier = (kind: string): string => `${kind}_${randomUUID().replaceAll('-', '')}`

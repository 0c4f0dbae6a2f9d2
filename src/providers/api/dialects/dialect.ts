import type { TextEnd, TextRequest, TextUsage, TokenLogprob } from '../../../thinking/model.ts'
import { fromFields } from '../../../thinking/parser/fields.ts'

/** What a message of a provider holds, whatever the API. */
export type Piece = TextPart | CallPart | UsagePart | FinishPart | LastPart

/** Text of the response: `thinking` that the provider separated, or `content`, which may hold thinking between tags. */
export interface TextPart {
  readonly kind: 'thinking' | 'content'
  readonly text: string
  readonly logprobs?: readonly TokenLogprob[]
  /** All of it at once, not a part of a stream. */
  readonly whole?: boolean
}

/** A part of a call of a tool; parts with the same `call` belong together. */
export interface CallPart {
  readonly kind: 'call'
  readonly call: number | string
  readonly id?: string
  readonly name?: string
  /** A part of the arguments' JSON, or the arguments. */
  readonly arguments?: string | Readonly<Record<string, unknown>>
}

/** Counts so far; a later count replaces an earlier one. */
export interface UsagePart {
  readonly kind: 'usage'
  readonly usage: Partial<TextUsage>
}

/** Why the response ended. */
export interface FinishPart {
  readonly kind: 'finish'
  /** `failed`: the provider gave up, or the reason is not known. */
  readonly reason: TextEnd['reason'] | 'failed'
  /** The provider's word for it. */
  readonly word: string
  /** The stop string before which it ended. */
  readonly stop?: string
}

/** Nothing more comes, though the connection may stay open. */
export interface LastPart {
  readonly kind: 'last'
}

/** A request as the API has it. */
export interface ApiRequest {
  /** Below the base URL. */
  readonly path: string
  readonly body: Record<string, unknown>
}

/** One API's requests and replies, as data. */
export interface Dialect {
  headers(key: string | null): Record<string, string>
  /**
   * @throws UserError for a request that cannot be said in this API.
   */
  request(request: TextRequest, options: { readonly model: string; readonly stream: boolean }): ApiRequest
  /** Opens a reader of one reply, which takes its messages in order: the events of a stream, or the whole reply. */
  reader(): (message: Record<string, unknown>) => Iterable<Piece>
}

/** A count that a provider gave, or null if it is none. */
export const countOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : null

/** The stop string that a provider names, if it names one. */
export const stopIn = (value: unknown): { stop?: string } =>
  typeof value === 'string' ? { stop: value } : {}

/** Text that a provider gave, or an empty one. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** The texts of a message, from whichever fields a server puts them in: the thinking that it separated, and the content. */
export function textsIn(message: Record<string, unknown>): { thinking: string; content: string } {
  const pieces = fromFields(message)
  const joined = (wanted: 'thinking' | 'answer'): string =>
    pieces.flatMap(({ type, text }) => (type === wanted ? [text] : [])).join('')
  return { thinking: joined('thinking'), content: joined('answer') }
}

import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { z } from 'zod'
import type { Limits } from '../limits.ts'
import { RequestError, said } from '../problem.ts'
import { Shape } from './shape.ts'

/** The body of a request as it arrives; Node's stream costs far less than that of the `Request`. */
export const bodyOf = ({ req, env }: Context): AsyncIterable<Uint8Array> | null =>
  (env as Partial<HttpBindings> | undefined)?.incoming?.iterator({ destroyOnReturn: false }) ?? req.raw.body

/**
 * The JSON of a request, in the form of its schema. A body that is too long is refused as soon as that is known, before the
 * rest of it arrives.
 *
 * @throws RequestError
 */
export async function readBody<T>(
  headers: Headers,
  body: AsyncIterable<Uint8Array> | null,
  schema: z.ZodType<T>,
  limits: Pick<Limits, 'bodyBytes' | 'depth' | 'values'>,
): Promise<T> {
  checkMediaType(headers)
  const text = await readText(headers, body, limits)
  if (text.trim() === '') throw new RequestError('invalid', 'the request has no body; send a JSON object')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new RequestError('invalid', `the body is not JSON: ${withoutExcerpt((error as Error).message)}`)
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new RequestError('invalid', 'the body must be a JSON object')
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const issue = deepest(parsed.error.issues)
  const field = fieldOf(issue.path)
  throw new RequestError('invalid', field === null ? issue.message : `${field}: ${issue.message}`, { field })
}

/** Forms of a browser, which need no permission of the server, are told from programs by their Origin, not here. */
function checkMediaType(headers: Headers): void {
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''
  const isText = ['', 'application/json', 'text/plain', 'application/x-www-form-urlencoded'].includes(type)
  if (!isText && !/^application\/[\w.-]+\+json$/.test(type))
    throw new RequestError('mediaType', `send the body as application/json, not ${JSON.stringify(type)}`)
  const encoding = headers.get('content-encoding') ?? 'identity'
  if (encoding !== 'identity')
    throw new RequestError(
      'mediaType',
      `send the body without the content encoding ${JSON.stringify(encoding)}`,
    )
}

async function readText(
  headers: Headers,
  body: AsyncIterable<Uint8Array> | null,
  limits: Pick<Limits, 'bodyBytes' | 'depth' | 'values'>,
): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const shape = new Shape(limits)
  let text = ''
  try {
    for await (const value of pieces(headers, body, limits)) {
      const piece = decoder.decode(value, { stream: true })
      shape.push(piece)
      text += piece
    }
    return text + decoder.decode()
  } catch (error) {
    if (error instanceof TypeError && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw new RequestError('invalid', 'the body is not UTF-8')
    throw error
  }
}

/** The bytes of a body. @throws RequestError as soon as they are too many. */
export async function readBytes(
  headers: Headers,
  body: AsyncIterable<Uint8Array> | null,
  limits: Pick<Limits, 'bodyBytes'>,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const piece of pieces(headers, body, limits)) parts.push(piece)
  return Buffer.concat(parts)
}

async function* pieces(
  headers: Headers,
  body: AsyncIterable<Uint8Array> | null,
  { bodyBytes: limit }: Pick<Limits, 'bodyBytes'>,
): AsyncGenerator<Uint8Array> {
  const tooLarge = (): RequestError => new RequestError('tooLarge', `the body is longer than ${limit} bytes`)
  if (Number(headers.get('content-length') ?? 0) > limit) throw tooLarge()
  let bytes = 0
  try {
    for await (const value of body ?? []) {
      bytes += value.length
      if (bytes > limit) throw tooLarge()
      yield value
    }
  } catch (error) {
    throw error instanceof RequestError
      ? error
      : new RequestError('clientLeft', 'the client left before its request was whole')
  }
}

/** V8 quotes the text around a fault, which may be a prompt. */
const withoutExcerpt = (message: string): string => message.replace(/,? *\.*"[\s\S]*$/, '').trim()

interface Issue {
  readonly code?: string | undefined
  readonly message: string
  readonly path: readonly PropertyKey[]
  readonly errors?: readonly (readonly Issue[])[]
}

/** Of the ways in which a value failed to be any of several forms, the one that came furthest. */
function deepest(issues: readonly Issue[], path: readonly PropertyKey[] = []): Issue {
  const issue = issues[0]!
  const here = { message: said(issue.message), path: [...path, ...issue.path] }
  const inside = (issue.errors ?? [])
    .filter((errors) => errors.length > 0)
    .map((errors) => deepest(errors, here.path))
  const best = inside.sort((a, b) => b.path.length - a.path.length)[0]
  return best && best.path.length > here.path.length ? best : here
}

/** `messages[0].content` */
function fieldOf(path: readonly PropertyKey[]): string | null {
  if (path.length === 0) return null
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`))
    .join('')
}

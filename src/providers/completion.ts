import { z } from 'zod'
import { TransientError } from '../common/retry.ts'
import { splitThinking } from '../thinking/split.ts'
import { FINISH_REASONS, type FinishReason, type Generation, type Usage } from './generator.ts'

/** A message, or a part of one in a stream. Thinking has two names: DeepSeek's, and that of newer versions of vLLM. */
const messageSchema = z.looseObject({
  content: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
})
const usageSchema = z.looseObject({
  prompt_tokens: z.number().int().nonnegative(),
  completion_tokens: z.number().int().nonnegative(),
})
const errorSchema = z.looseObject({ error: z.union([z.string(), z.looseObject({ message: z.string() })]) })
const completionSchema = z.looseObject({
  choices: z.array(z.looseObject({ message: messageSchema, finish_reason: z.string().nullish() })).nonempty(),
  usage: usageSchema.nullish(),
})
const chunkSchema = z.looseObject({
  choices: z
    .array(z.looseObject({ delta: messageSchema.nullish(), finish_reason: z.string().nullish() }))
    .default([]),
  usage: usageSchema.nullish(),
})

/**
 * Reads a chat completion, whole or as a stream of server-sent events according to the response's content type.
 *
 * @throws TransientError if it is cut off, is an error message, or is not a chat completion.
 */
export async function readCompletion(response: Response): Promise<Generation> {
  if (response.headers.get('content-type')?.includes('text/event-stream')) return readStream(response)
  const { choices, usage } = read(completionSchema, await response.text())
  const { message, finish_reason } = choices[0]!
  return generation(
    message.content ?? '',
    message.reasoning_content ?? message.reasoning ?? '',
    finish_reason,
    usage,
  )
}

async function readStream(response: Response): Promise<Generation> {
  let content = ''
  let reasoning = ''
  let finish: string | null = null
  let usage: z.infer<typeof usageSchema> | null = null
  for await (const line of linesOf(response)) {
    // Comments (": keep-alive") and other fields have no part of the text.
    if (!line.startsWith('data:')) continue
    const data = line.slice('data:'.length).trim()
    if (data === '[DONE]') break
    const { choices, usage: counted } = read(chunkSchema, data)
    usage = counted ?? usage
    const choice = choices[0]
    content += choice?.delta?.content ?? ''
    reasoning += choice?.delta?.reasoning_content ?? choice?.delta?.reasoning ?? ''
    finish = choice?.finish_reason ?? finish
  }
  return generation(content, reasoning, finish, usage)
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  let rest = ''
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split(/\r?\n/)
    rest = lines.pop()!
    yield* lines
  }
  yield rest
}

function generation(
  content: string,
  reasoning: string,
  finish: string | null | undefined,
  usage: z.infer<typeof usageSchema> | null | undefined,
): Generation {
  if (finish == null) throw new TransientError('the reply was cut off before its end')
  if (!FINISH_REASONS.includes(finish as FinishReason))
    throw new TransientError(`the reply ended with finish_reason ${JSON.stringify(finish)}`)
  const split = splitThinking(content)
  return {
    ...(reasoning === ''
      ? { text: split.answer ?? '', reasoning: split.thinking }
      : { text: content.trim(), reasoning: reasoning.trim() }),
    finishReason: finish as FinishReason,
    usage: usage ? usageOf(usage) : null,
  }
}

const usageOf = (usage: z.infer<typeof usageSchema>): Usage => ({
  promptTokens: usage.prompt_tokens,
  completionTokens: usage.completion_tokens,
})

function read<T extends z.ZodType>(schema: T, text: string): z.infer<T> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new TransientError(`it answered with something that is not JSON (${excerpt(text)})`)
  }
  const failure = errorSchema.safeParse(json)
  if (failure.success)
    throw new TransientError(`it answered with an error (${messageOf(failure.data.error)})`)
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw new TransientError(
    `it answered with something that is not a chat completion (${path.join('.')}: ${message})`,
  )
}

/** The error message in a response's body, on one line; the beginning of the body if it has no such message. */
export function errorText(body: string): string {
  try {
    return messageOf(errorSchema.parse(JSON.parse(body)).error)
  } catch {
    return excerpt(body)
  }
}

const messageOf = (error: z.infer<typeof errorSchema>['error']): string =>
  excerpt(typeof error === 'string' ? error : error.message)

function excerpt(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  if (line === '') return 'no text'
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}

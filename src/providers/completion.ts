import { z } from 'zod'
import { splitThinking } from '../thinking/split.ts'
import { FINISH_REASONS, type FinishReason, type Generation, type Usage } from './generator.ts'
import { Trouble } from './retry.ts'

/** Thinking has two names: DeepSeek's, and newer vLLM's. */
const piece = z.looseObject({
  content: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
})
const usageSchema = z.looseObject({
  prompt_tokens: z.number().int().nonnegative(),
  completion_tokens: z.number().int().nonnegative(),
})
const errorSchema = z.looseObject({ error: z.union([z.string(), z.looseObject({ message: z.string() })]) })
const completion = z.looseObject({
  choices: z.array(z.looseObject({ message: piece, finish_reason: z.string().nullish() })).nonempty(),
  usage: usageSchema.nullish(),
})
const chunk = z.looseObject({
  choices: z
    .array(z.looseObject({ delta: piece.nullish(), finish_reason: z.string().nullish() }))
    .default([]),
  usage: usageSchema.nullish(),
})

/**
 * Reads a chat completion, whole or as a stream of server-sent events, as the response says of itself.
 *
 * @throws Trouble where it is cut off or is no chat completion.
 */
export async function readCompletion(response: Response): Promise<Generation> {
  if (response.headers.get('content-type')?.includes('text/event-stream')) return readStream(response)
  const { choices, usage } = read(completion, await response.text())
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
    // A comment (": keep-alive") or a field that says nothing of the text.
    if (!line.startsWith('data:')) continue
    const data = line.slice('data:'.length).trim()
    if (data === '[DONE]') break
    const part = read(chunk, data)
    usage = part.usage ?? usage
    const choice = part.choices[0]
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
  if (finish == null) throw new Trouble('the reply was cut off before its end')
  if (!FINISH_REASONS.includes(finish as FinishReason))
    throw new Trouble(`the reply ended with finish_reason ${JSON.stringify(finish)}`)
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
    throw new Trouble(`it answered with something that is not JSON (${excerpt(text)})`)
  }
  const refusal = errorSchema.safeParse(json)
  if (refusal.success) throw new Trouble(`it answered with an error (${messageOf(refusal.data.error)})`)
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw new Trouble(`it answered with no chat completion (${path.join('.')}: ${message})`)
}

/** What a provider says is wrong, on one line. */
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

import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { TextEvent, TextUsage, ThinkingFormat, TokenLogprob } from '../../../thinking/model.ts'
import type { AskedRequest, Choice, ChoiceEvent, Dialect, Frame, Generation, Served } from '../../dialect.ts'
import { RequestError } from '../../problem.ts'
import { checkModel } from '../../request/check-model.ts'
import { failedFrames, openAiError, sampling, samplingOf, totalsOf, usageOf } from './shared.ts'

const schema = z.object({
  model: z.string().nullish(),
  prompt: z.union([z.string(), z.array(z.union([z.string(), z.int(), z.array(z.int())]))]),
  ...sampling,
  max_tokens: z.int().min(0).nullish(),
  logprobs: z.int().min(0).max(20).nullish(),
  echo: z.boolean().nullish(),
  best_of: z.int().min(1).nullish(),
  suffix: z.string().nullish(),
})
type Body = z.infer<typeof schema>

/** Continues text as it stands: no template, and thinking stays in the text, with its delimiters. */
export const completions: Dialect = {
  name: 'completions',
  title: 'OpenAI Completions',
  owns: ['/v1/completions', '/completions'],
  routes: ['/v1/completions', '/completions'].map(
    (path): Generation<Body> => ({
      kind: 'generation',
      method: 'POST',
      path,
      about: 'Continue a text',
      schema,
      ask,
    }),
  ),
  error: openAiError,
}

/** OpenAI's number, which clients of this endpoint expect. */
const MAX_TOKENS = 16

function ask(body: Body, served: Served): ReturnType<Generation<Body>['ask']> {
  checkModel(body.model, served)
  const prompts = promptsOf(body)
  const n = body.n ?? 1
  refuse(body, n, served)
  const requests: AskedRequest[] = prompts.flatMap((prompt) =>
    Array.from({ length: n }, (_, sample) => ({
      messages: [],
      prompt,
      ...samplingOf(body),
      maxTokens: body.max_tokens ?? MAX_TOKENS,
      ...(body.logprobs == null ? {} : { logprobs: body.logprobs }),
      sample,
    })),
  )
  const groups = requests.map((_, i) => Math.floor(i / n))
  const head = {
    id: `cmpl-${randomUUID()}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: served.names[0]!,
    system_fingerprint: null,
  }
  const { format } = served.can
  const before = (index: number): string => (body.echo ? requests[index]!.prompt! : '')
  return {
    requests,
    wish: { effort: null, budget: null },
    stream: body.stream ?? false,
    framing: 'sse',
    body: (choices) => ({
      ...head,
      choices: choices.map((choice, index) => ({
        index,
        text: before(index) + textOf(choice, format, requests[index]!.prompt!),
        logprobs:
          body.logprobs == null
            ? null
            : logprobsOf(
                choice.pieces.flatMap(({ logprobs = [] }) => logprobs),
                before(index).length,
              ),
        finish_reason: finishOf(choice.end.reason),
      })),
      usage: usageOf(
        totalsOf(
          choices.map(({ end }) => end.usage),
          groups,
        ),
      ),
    }),
    frames: (events) => frames(events, { head, format, groups, before, requests, body }),
    failed: failedFrames,
  }
}

function promptsOf({ prompt }: Body): string[] {
  const list = typeof prompt === 'string' ? [prompt] : prompt
  return list.map((one, i) => {
    const field = typeof prompt === 'string' ? 'prompt' : `prompt[${i}]`
    if (typeof one !== 'string')
      throw new RequestError('invalid', `${field}: this server takes prompts as text, not as tokens`, {
        field,
      })
    if (one === '') throw new RequestError('invalid', `${field} is empty: give a text to continue`, { field })
    return one
  })
}

function refuse(
  { suffix, echo, logprobs, max_tokens, best_of, prompt }: Body,
  n: number,
  { can }: Served,
): void {
  const no = (field: string, message: string): never => {
    throw new RequestError('invalid', message, { field })
  }
  if (prompt.length === 0) no('prompt', 'prompt is empty: give a text to continue')
  if (typeof prompt !== 'string' && prompt.length * n > 128)
    no('prompt', `${prompt.length} prompts with n ${n} are more than 128 responses: send several requests`)
  if (suffix) no('suffix', 'suffix is not supported: this server continues text, it does not fill it in')
  if (echo && logprobs != null)
    no('echo', 'echo together with logprobs is not supported: a prompt has no log-probabilities here')
  if (max_tokens === 0) no('max_tokens', 'max_tokens must be at least 1')
  if (best_of != null && best_of !== n)
    no('best_of', 'best_of is not supported: serve with --strategy best, or ask for n and choose')
  if (logprobs != null && !can.logprobs) no('logprobs', 'this model reports no log-probabilities')
}

const finishOf = (reason: string): string => (reason === 'tool_calls' ? 'stop' : reason)

/** Puts the delimiters back that the model port takes out of a response, piece by piece. */
class Rewriter {
  private state: 'before' | 'thinking' | 'answer' = 'before'
  private written = ''
  constructor(
    private readonly format: ThinkingFormat,
    private readonly prompt: string,
  ) {}

  push(event: TextEvent): string {
    const { start, end } = this.format.thinking
    let text = ''
    if (event.type === 'thinking') {
      const isOpen =
        this.state === 'thinking' || (this.state === 'before' && this.prompt.trimEnd().endsWith(start))
      text = (isOpen ? '' : start) + event.text
      this.state = 'thinking'
    } else if (event.type === 'answer') {
      text = (this.state === 'thinking' ? end : '') + event.text
      this.state = 'answer'
    } else if (event.type === 'end' && event.text?.startsWith(this.written))
      text = event.text.slice(this.written.length)
    this.written += text
    return text
  }
}

function textOf({ pieces, end }: Choice, format: ThinkingFormat, prompt: string): string {
  if (end.text !== null) return end.text
  const rewriter = new Rewriter(format, prompt)
  return pieces.map((piece) => rewriter.push(piece)).join('')
}

/** `offset` is the length of the text before the first token. */
function logprobsOf(logprobs: readonly TokenLogprob[], offset: number): object {
  let at = offset
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ top }) =>
      Object.fromEntries(top.map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset: logprobs.map(({ token }) => {
      at += token.length
      return at - token.length
    }),
  }
}

interface Framing {
  readonly head: object
  readonly format: ThinkingFormat
  readonly groups: readonly number[]
  readonly before: (index: number) => string
  readonly requests: readonly AskedRequest[]
  readonly body: Body
}

async function* frames(
  events: AsyncIterable<ChoiceEvent>,
  { head, format, groups, before, requests, body }: Framing,
): AsyncGenerator<Frame> {
  const withUsage = body.stream_options?.include_usage ?? false
  const rewriters = requests.map(({ prompt }) => new Rewriter(format, prompt!))
  const offsets = requests.map((_, index) => before(index).length)
  const begun = new Set<number>()
  const usages: TextUsage[] = Array.from({ length: requests.length })
  for await (const { choice: index, event } of events) {
    if (event.type === 'progress' || event.type === 'tool_call') continue
    const written = rewriters[index]!.push(event)
    const text = (begun.has(index) ? '' : before(index)) + written
    begun.add(index)
    if (event.type === 'end') usages[index] = event.usage
    const logprobs =
      event.type !== 'end' && event.logprobs ? logprobsOf(event.logprobs, offsets[index]!) : null
    offsets[index]! += written.length
    if (event.type !== 'end' && text === '' && logprobs === null) continue
    yield {
      data: {
        ...head,
        choices: [
          { index, text, logprobs, finish_reason: event.type === 'end' ? finishOf(event.reason) : null },
        ],
        ...(withUsage ? { usage: null } : {}),
      },
    }
  }
  if (withUsage) yield { data: { ...head, choices: [], usage: usageOf(totalsOf(usages, groups)) } }
  yield { data: '[DONE]' }
}

import { basename } from 'node:path'
import { PromptTooLong } from '../../common/errors.ts'
import { Queue } from '../../common/queue.ts'
import { plural } from '../../common/words.ts'
import type { Sampler, SamplerOptions, Truncation } from '../../engines/contract.ts'
import { type EngineName, openEngine } from '../../engines/open.ts'
import { loadConfig } from '../../models/checkpoint/directory.ts'
import { modelHash } from '../../models/checkpoint/weights-hash.ts'
import type { TemplateSettings } from '../../renderer/chat-template.ts'
import { type PromptTemplate, Renderer } from '../../renderer/renderer.ts'
import type { TextEvent, TextModel, TextRequest } from '../../thinking/model.ts'
import { Gathered } from './gathered.ts'
import { traitsOf } from './probe.ts'
import { askedBy } from './prompt.ts'
import { ResponseReader } from './reader.ts'

/** What a local model does where a request leaves it open. */
export interface LocalDefaults extends Truncation {
  /** By default 1. */
  readonly temperature?: number | undefined
  /** Longest response in tokens; by default as many as the context has room for. */
  readonly maxTokens?: number | undefined
}

export interface LocalTextModelOptions extends LocalDefaults {
  /** A Hugging Face folder. */
  readonly model: string
  /** The name that a person gave; by default that of the folder. */
  readonly name?: string | undefined
  readonly engine?: EngineName | undefined
  readonly threads?: number | undefined
  /** By default the template that the model was trained with. */
  readonly template?: PromptTemplate | undefined
  /** Arguments and date of the chat template. */
  readonly chat?: Partial<TemplateSettings> | undefined
  /** How requests share the decoder; `continuous` for servers and conversations. By default `batch`. */
  readonly schedule?: SamplerOptions['schedule']
}

/** Nobody is told. */
const LEFT = new Error('the reader left')

/** Opens a Hugging Face folder as a text model. Closing it closes the engine. @throws UserError if it cannot be read. */
export async function openLocalTextModel({
  model,
  name = basename(model),
  engine: engineName,
  threads,
  template,
  chat,
  schedule,
  ...defaults
}: LocalTextModelOptions): Promise<TextModel> {
  const renderer = Renderer.load(model, { template, chat })
  const { maxPositions } = loadConfig(model)
  const identity = await modelHash(model)
  const engine = await openEngine({ engine: engineName, model, threads })
  try {
    const sampler = await engine.sampler(engine.base, { schedule })
    const text = localTextModel(sampler, { name, renderer, maxPositions, identity, ...defaults })
    return { ...text, close: () => engine.close() }
  } catch (error) {
    await engine.close()
    throw error
  }
}

/**
 * A sampler that is open already as a text model. `identity` names its weights. Closing the text model leaves it open.
 *
 * Where the template is R1-Zero's, the model sees the last message alone, with system messages in front
 * (`can.remembers` is false). Stop strings apply to the whole response, thinking and delimiters included, as in vLLM and
 * llama.cpp; they are looked for only in what is new, not in a prefix.
 */
export function localTextModel(
  sampler: Sampler,
  {
    name,
    renderer,
    maxPositions,
    identity,
    ...defaults
  }: LocalDefaults & {
    readonly name: string
    readonly renderer: Renderer
    readonly maxPositions: number
    readonly identity: string
  },
): TextModel {
  const traits = traitsOf(renderer)
  const { format } = traits

  async function* respond(request: TextRequest): AsyncGenerator<TextEvent> {
    request.signal?.throwIfAborted()
    const { stop = [], tools = [], seed, sample = 0, logprobs } = request
    const { tokens: prompt, text, prefix, opened } = askedBy(renderer, traits, request)
    const left = maxPositions - prompt.length
    if (left < 1)
      throw new PromptTooLong(
        `the prompt has ${plural(prompt.length, 'token')}, and the model reads ${maxPositions} with its response; shorten the messages`,
      )
    const reader = new ResponseReader({
      renderer,
      format,
      opened,
      prefix,
      stop,
      tools: tools.length > 0 ? { format: traits.calls!, definitions: tools } : null,
      stream: [text, seed, sample],
    })
    const leaving = new AbortController()
    // a signal that follows another one is no listener of it: many requests may share the caller's signal
    const signal = AbortSignal.any([leaving.signal, ...(request.signal ? [request.signal] : [])])
    const events = new Queue<TextEvent>()
    const gathered = new Gathered(request.whole ?? false, (some) => events.push(...some))
    sampler
      .sample(prompt, {
        n: 1,
        first: sample,
        seed,
        maxTokens: Math.min(request.maxTokens ?? defaults.maxTokens ?? left, left),
        temperature: request.temperature ?? defaults.temperature ?? 1,
        topP: request.topP ?? defaults.topP,
        topK: request.topK ?? defaults.topK,
        minP: request.minP ?? defaults.minP,
        stopTokens: renderer.stopTokens,
        stop,
        ...(logprobs == null ? {} : { topLogprobs: logprobs }),
        signal,
        onToken: (_, token, detail) =>
          gathered.add(reader.push(token, logprobs == null ? undefined : detail)),
      })
      .then(([sequence]) => {
        gathered.add(reader.end(sequence!, prompt.length))
        gathered.flush()
        events.end()
      })
      .catch((error) => {
        gathered.flush()
        events.fail(error)
      })
    try {
      yield* events
    } finally {
      if (!gathered.ended) leaving.abort(LEFT)
    }
  }

  return {
    name,
    identity: JSON.stringify([identity, renderer.template, renderer.chatArguments, defaults]),
    can: {
      prefix: true,
      logprobs: true,
      seed: true,
      tools: traits.calls !== null,
      thinks: traits.thinks,
      switchThinking: traits.thinkingSwitch !== null,
      maxTokens: maxPositions,
      format,
      remembers: renderer.template === 'chat',
    },
    respond,
    showPrompt: async (request) => {
      const { text, prefix } = askedBy(renderer, traits, request)
      return text + prefix
    },
    countPrompt: async (request) => askedBy(renderer, traits, request).tokens.length,
    close: async () => {},
  }
}

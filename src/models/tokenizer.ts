import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Template } from '@huggingface/jinja'
import { Tokenizer as Pipeline } from '@huggingface/tokenizers'
import { z } from 'zod'
import { UserError } from '../common/errors.ts'
import { ByteDecoder } from './byte-decoder.ts'
import { type ChatSpan, hasMark, markGeneration, readMarks } from './generation-marks.ts'
import { readJsonObject } from './json-file.ts'

/** One message of a conversation, as chat templates read it. */
export interface ChatMessage {
  readonly role: string
  readonly content: string
  /** Thinking that is separate from the content. */
  readonly reasoning_content?: string
  /** Calls of tools in OpenAI's form. */
  readonly tool_calls?: readonly unknown[]
  /** Name of the tool that a tool's message is from, or of the speaker. */
  readonly name?: string
  /** The call that a tool's message answers. */
  readonly tool_call_id?: string
}

/** Turns tokens into text as they arrive, always up to the end of a complete character. */
export interface TextStream {
  push(id: number): string
  /** The remaining text; an incomplete character becomes U+FFFD. */
  end(): string
}

const MODEL_TYPES = ['BPE', 'Unigram', 'WordPiece'] as const
const tokenizerSchema = z.looseObject({
  model: z.looseObject({
    // Files of the first versions have no type.
    type: z.enum(MODEL_TYPES).optional(),
    vocab: z.union([z.record(z.string(), z.number()), z.array(z.unknown()).nonempty()]),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])).optional(),
  }),
  added_tokens: z.array(
    z.looseObject({ id: z.number(), content: z.string(), special: z.boolean().optional() }),
  ),
  decoder: z.looseObject({ type: z.string() }).nullish(),
})

const nameOf = z.union([z.string(), z.looseObject({ content: z.string() }).transform((t) => t.content)])
const configSchema = z.looseObject({
  bos_token: nameOf.nullish(),
  eos_token: nameOf.nullish(),
  pad_token: nameOf.nullish(),
  chat_template: z
    .union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))])
    .nullish(),
})

/** A Hugging Face tokenizer: converts text to ids and back. */
export class Tokenizer {
  /** The token that ends a response. */
  readonly eosId: number
  /** The token that pads batches; the end token if the tokenizer names no padding token. */
  readonly padId: number
  /** The highest id plus one. */
  readonly vocabSize: number
  readonly #pipeline: Pipeline
  /** Faster than the pipeline; null unless the vocabulary is byte-level. */
  readonly #byteDecoder: ByteDecoder | null
  readonly #names: { bos: string | null; eos: string; pad: string }
  readonly #specialIds: ReadonlySet<number>
  readonly #directory: string
  readonly #chatTemplate: string | null
  #compiled: Template | null = null

  private constructor(directory: string) {
    this.#directory = directory
    const file = join(directory, 'tokenizer.json')
    const configFile = join(directory, 'tokenizer_config.json')
    const json = readJsonObject(file)
    const configJson = readJsonObject(configFile)
    const tokenizer = check(tokenizerSchema, json, file)
    const config = check(configSchema, configJson, configFile)
    checkMerges(tokenizer.model, file)
    try {
      this.#pipeline = new Pipeline(json, configJson)
    } catch (error) {
      throw new UserError(`${file} is damaged: ${(error as Error).message}`)
    }
    this.#byteDecoder =
      tokenizer.decoder?.type === 'ByteLevel'
        ? new ByteDecoder(
            (id) => this.#pipeline.id_to_token(id)!,
            new Set(tokenizer.added_tokens.map(({ content }) => content)),
          )
        : null
    if (!config.eos_token) throw new UserError(`${configFile} names no "eos_token": generation could not end`)
    const pad = config.pad_token ?? config.eos_token
    this.#names = { bos: config.bos_token ?? null, eos: config.eos_token, pad }
    this.eosId = this.#idOf(config.eos_token, 'eos_token', file)
    this.padId = this.#idOf(pad, 'pad_token', file)
    this.vocabSize = 1 + highest(this.#pipeline.get_vocab().values())
    this.#specialIds = new Set(tokenizer.added_tokens.filter((t) => t.special).map((t) => t.id))
    this.#chatTemplate = templateOf(directory, config.chat_template)
  }

  /** Reads `tokenizer.json` and `tokenizer_config.json`. @throws UserError that names a damaged file. */
  static load(directory: string): Tokenizer {
    return new Tokenizer(directory)
  }

  /** Text to ids. Special tokens in the text become their ids; `addSpecial` adds those that the tokenizer puts around a text. */
  encode(text: string, { addSpecial = false }: { addSpecial?: boolean } = {}): Int32Array {
    const { ids, tokens } = this.#pipeline.encode(text, { add_special_tokens: addSpecial })
    const unknown = ids.indexOf(undefined as unknown as number)
    if (unknown >= 0)
      throw new UserError(
        `${this.#directory}/tokenizer.json has no id for the token ${JSON.stringify(tokens[unknown])}`,
      )
    return Int32Array.from(ids)
  }

  /** Ids to text. Ids that the model has but the tokenizer does not (a padded vocabulary) are skipped. */
  decode(ids: ArrayLike<number>, { skipSpecial = false }: { skipSpecial?: boolean } = {}): string {
    const kept = Array.from(ids).filter(
      (id) => this.#pipeline.id_to_token(id) !== undefined && !(skipSpecial && this.#specialIds.has(id)),
    )
    if (kept.length === 0) return ''
    if (this.#byteDecoder) return this.#byteDecoder.decode(kept)
    return this.#pipeline.decode(kept, { clean_up_tokenization_spaces: false })
  }

  /** The id of the token with exactly this entry in the vocabulary, or null. */
  tokenId(text: string): number | null {
    return this.#pipeline.token_to_id(text) ?? null
  }

  /** Whether this is a special token, such as the end of a turn. */
  isSpecial(id: number): boolean {
    return this.#specialIds.has(id)
  }

  /** Decodes ids one at a time; the pieces add up to `decode` of all ids. */
  stream(options: { skipSpecial?: boolean } = {}): TextStream {
    // The ids returned last are decoded again as context: some decoders treat the first token differently.
    let context: number[] = []
    let pending: number[] = []
    const take = (final: boolean): string => {
      const before = this.decode(context, options)
      const text = this.decode([...context, ...pending], options).slice(before.length)
      if (!final && text.endsWith('\uFFFD')) return ''
      if (pending.length > 0) context = pending
      pending = []
      return text
    }
    return {
      push: (id) => {
        pending.push(id)
        return take(false)
      },
      end: () => take(true),
    }
  }

  /** Whether `applyChatTemplate` has a template to render with. */
  get hasChatTemplate(): boolean {
    return this.#chatTemplate !== null
  }

  /** Renders a conversation with the tokenizer's chat template. */
  applyChatTemplate(
    messages: readonly ChatMessage[],
    {
      addGenerationPrompt = false,
      enableThinking,
    }: { addGenerationPrompt?: boolean; enableThinking?: boolean } = {},
  ): string {
    return this.#render(messages, {
      add_generation_prompt: addGenerationPrompt,
      ...(enableThinking === undefined ? {} : { enable_thinking: enableThinking }),
    })
      .map(({ text }) => text)
      .join('')
  }

  /** Whether the chat template marks the assistant's text with `{% generation %}`. */
  get marksGeneration(): boolean {
    return this.#chatTemplate !== null && markGeneration(this.#chatTemplate) !== this.#chatTemplate
  }

  /** What `applyChatTemplate` renders, split into the spans that the template marks as generated and those between. */
  markedChat(messages: readonly ChatMessage[]): ChatSpan[] {
    return this.#render(messages, { add_generation_prompt: false })
  }

  #render(messages: readonly ChatMessage[], variables: Record<string, unknown>): ChatSpan[] {
    if (this.#chatTemplate === null)
      throw new UserError(`${this.#directory} has no chat template (chat_template in tokenizer_config.json)`)
    if (hasMark(JSON.stringify(messages)))
      throw new UserError('a message holds U+FDD0 or U+FDD1, which are not characters; remove them')
    try {
      this.#compiled ??= new Template(markGeneration(this.#chatTemplate))
      const rendered = this.#compiled.render({
        messages: messages.map((m) => ({ ...m })),
        ...variables,
        bos_token: this.#names.bos ?? '',
        eos_token: this.#names.eos,
        pad_token: this.#names.pad,
      })
      return readMarks(rendered)
    } catch (error) {
      throw new UserError(`the chat template of ${this.#directory} fails: ${(error as Error).message}`)
    }
  }

  #idOf(token: string, role: string, file: string): number {
    const id = this.tokenId(token)
    if (id === null)
      throw new UserError(`${file} has no token ${JSON.stringify(token)}, which is the ${role}`)
    return id
  }
}

/** Checks that every merge joins and produces tokens that have an id. */
function checkMerges({ vocab, merges = [] }: z.infer<typeof tokenizerSchema>['model'], file: string): void {
  if (Array.isArray(vocab)) return
  for (const [i, merge] of merges.entries()) {
    const [left, right] = typeof merge === 'string' ? merge.split(' ', 2) : merge
    for (const token of [left, right, `${left}${right}`])
      if (token === undefined || !Object.hasOwn(vocab, token))
        throw new UserError(
          `${file} is damaged: merge ${i} needs the token ${JSON.stringify(token)}, which has no id`,
        )
  }
}

function highest(ids: Iterable<number>): number {
  let max = -1
  for (const id of ids) if (id > max) max = id
  return max
}

function templateOf(
  directory: string,
  inConfig: z.infer<typeof configSchema>['chat_template'],
): string | null {
  const file = join(directory, 'chat_template.jinja')
  if (existsSync(file)) return readFileSync(file, 'utf8')
  if (!Array.isArray(inConfig)) return inConfig ?? null
  return inConfig.find((t) => t.name === 'default')?.template ?? null
}

function check<T extends z.ZodType>(schema: T, json: unknown, file: string): z.infer<T> {
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw new UserError(`${file} is damaged: "${path.join('.')}": ${message}`)
}

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer as Pipeline } from '@huggingface/tokenizers'
import { z } from 'zod'
import { UserError } from '../../common/errors.ts'
import { namedEosTokenIds } from '../checkpoint/generation-config.ts'
import { tokenizerFolder } from '../checkpoint/peft/find-base.ts'
import { readJsonObject } from '../json-file.ts'
import { ByteDecoder } from './byte-decoder.ts'
import { RecentSections } from './recent-sections.ts'

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
    z.looseObject({
      id: z.number(),
      content: z.string(),
      special: z.boolean().optional(),
      lstrip: z.boolean().optional(),
      rstrip: z.boolean().optional(),
      normalized: z.boolean().optional(),
    }),
  ),
  normalizer: z.unknown(),
  decoder: z.looseObject({ type: z.string() }).nullish(),
})

const nameOf = z.union([z.string(), z.looseObject({ content: z.string() }).transform((t) => t.content)])
const SPECIAL = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const
const configSchema = z.looseObject({
  bos_token: nameOf.nullish(),
  eos_token: nameOf.nullish(),
  unk_token: nameOf.nullish(),
  sep_token: nameOf.nullish(),
  pad_token: nameOf.nullish(),
  cls_token: nameOf.nullish(),
  mask_token: nameOf.nullish(),
})

/** A Hugging Face tokenizer: converts text to ids and back. */
export class Tokenizer {
  /** The token that ends a text. */
  readonly eosId: number
  /** The token that pads batches; the end token if the tokenizer names no padding token. */
  readonly padId: number
  /** The highest id plus one. */
  readonly vocabSize: number
  readonly #pipeline: Pipeline
  /** Faster than the pipeline; null unless the vocabulary is byte-level. */
  readonly #byteDecoder: ByteDecoder | null
  /** Finds the added tokens, between which sections of a text are encoded each by itself; null if they are not. */
  readonly #addedTokens: RegExp | null
  readonly #sections = new RecentSections((section) => this.#encodeSection(section))
  /** The tokens that begin every text, as the tokenizer's post-processor adds them; often BOS alone, or none. */
  readonly prefix: Int32Array
  /** The texts of the special tokens that the tokenizer names, such as `bos_token`, by these names. */
  readonly specialTokens: Readonly<Record<string, string>>
  readonly #specialIds: ReadonlySet<number>
  readonly #addedIds: ReadonlySet<number>
  readonly #directory: string

  private constructor(directory: string) {
    this.#directory = directory
    const file = join(directory, 'tokenizer.json')
    const configFile = join(directory, 'tokenizer_config.json')
    const json = readJsonObject(file)
    const configJson = readJsonObject(configFile)
    const tokenizer = check(tokenizerSchema, json, file)
    const config = check(configSchema, withSpecialTokensMap(directory, configJson), configFile)
    checkMerges(tokenizer.model, file)
    try {
      this.#pipeline = new Pipeline({ ...json, pre_tokenizer: withNumbers(json.pre_tokenizer) }, configJson)
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
    this.#addedTokens = this.#byteDecoder === null ? null : separators(tokenizer)
    this.specialTokens = Object.fromEntries(
      SPECIAL.flatMap((name) => (config[name] ? [[name, config[name]]] : [])),
    )
    this.eosId = config.eos_token ? this.#idOf(config.eos_token, 'eos_token', file) : this.#namedEos()
    this.padId = config.pad_token ? this.#idOf(config.pad_token, 'pad_token', file) : this.eosId
    this.vocabSize = 1 + highest(this.#pipeline.get_vocab().values())
    this.#specialIds = new Set(tokenizer.added_tokens.filter((t) => t.special).map((t) => t.id))
    this.#addedIds = new Set(tokenizer.added_tokens.map(({ id }) => id))
    this.prefix = this.#prefix()
  }

  /** Reads `tokenizer.json` and `tokenizer_config.json`. @throws UserError that names a damaged file. */
  static load(directory: string): Tokenizer {
    return new Tokenizer(tokenizerFolder(directory))
  }

  /** Text to ids, without the `prefix`. Special tokens in the text become their ids. */
  encode(text: string): Int32Array {
    if (this.#addedTokens === null) return Int32Array.from(this.#encodeSection(text))
    const sections = text.split(this.#addedTokens).filter((section) => section !== '')
    return Int32Array.from(sections.flatMap((section) => this.#sections.get(section)))
  }

  #encodeSection(text: string): number[] {
    const { ids, tokens } = this.#pipeline.encode(text, { add_special_tokens: false })
    const unknown = ids.indexOf(undefined as unknown as number)
    if (unknown >= 0)
      throw new UserError(
        `${this.#directory}/tokenizer.json has no id for the token ${JSON.stringify(tokens[unknown])}`,
      )
    return ids
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

  /** Whether this token was added to the vocabulary as a whole: a special token, or one such as <think>. */
  isAdded(id: number): boolean {
    return this.#addedIds.has(id)
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

  /**
   * What the post-processor of tokenizer.json adds before a text; Transformers ignores `add_bos_token`. What it adds after a
   * text is left out, because a response follows the prompt.
   */
  #prefix(): Int32Array {
    const [plain, whole] = [false, true].map(
      (add): number[] => this.#pipeline.encode('a', { add_special_tokens: add }).ids,
    )
    const length = whole!.findIndex((_, at) => plain!.every((id, i) => whole![at + i] === id))
    return Int32Array.from(whole!.slice(0, Math.max(0, length)))
  }

  /** The end of text by its id, for a tokenizer that does not name it. */
  #namedEos(): number {
    const id = namedEosTokenIds(this.#directory).find((id) => this.#pipeline.id_to_token(id) !== undefined)
    if (id !== undefined) return id
    throw new UserError(
      `${join(this.#directory, 'tokenizer_config.json')} names no "eos_token", and neither config.json nor generation_config.json has an "eos_token_id" of the tokenizer: generation could not end`,
    )
  }

  #idOf(token: string, role: string, file: string): number {
    const id = this.tokenId(token)
    if (id === null)
      throw new UserError(`${file} has no token ${JSON.stringify(token)}, which is the ${role}`)
    return id
  }
}

/** The added tokens of a byte-level tokenizer, unless one of them changes the text beside it or is not found as it stands. */
function separators({
  added_tokens: added,
  normalizer,
}: Pick<z.infer<typeof tokenizerSchema>, 'added_tokens' | 'normalizer'>): RegExp | null {
  if (added.some(({ lstrip, rstrip, normalized }) => lstrip || rstrip || (normalized && normalizer != null)))
    return null
  const contents = added.map(({ content }) => content).filter((content) => content !== '')
  if (contents.length === 0) return null
  // the longest one counts where several begin
  const longestFirst = contents.sort((a, b) => b.length - a.length)
  return new RegExp(`(${longestFirst.map((one) => one.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`)
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

/**
 * A pre-tokenizer with `Digits` as the pattern that it stands for: the library splits at decimal digits alone, Rust's
 * `is_numeric` at every number, such as ² and Ⅷ.
 */
function withNumbers<T>(given: T): T {
  const step = given as { type?: string; individual_digits?: boolean; pretokenizers?: unknown[] } | null
  if (step?.type === 'Sequence') return { ...step, pretokenizers: step.pretokenizers?.map(withNumbers) } as T
  if (step?.type !== 'Digits') return given
  const Regex = step.individual_digits ? '\\p{N}' : '\\p{N}+'
  return { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false } as T
}

function highest(ids: Iterable<number>): number {
  let max = -1
  for (const id of ids) if (id > max) max = id
  return max
}

/** Takes the special tokens that tokenizer_config.json does not name from special_tokens_map.json, if there is one. */
function withSpecialTokensMap(directory: string, config: Record<string, unknown>): Record<string, unknown> {
  const file = join(directory, 'special_tokens_map.json')
  if (!existsSync(file)) return config
  const map = readJsonObject(file)
  const named = SPECIAL.map((key) => [key, config[key] ?? map[key]] as const)
  return { ...config, ...Object.fromEntries(named) }
}

function check<T extends z.ZodType>(schema: T, json: unknown, file: string): z.infer<T> {
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw new UserError(`${file} is damaged: "${path.join('.')}": ${message}`)
}

import { UserError } from '../../../common/errors.ts'
import { TOKEN_TYPES } from '../names.ts'
import { PRE_TOKENIZERS, type PreTokenizer } from '../pre-tokenizers.ts'
import type { Metadata } from './metadata.ts'

/** The tokenizer of a GGUF file. */
export interface Vocabulary {
  /** Names the file in messages. */
  readonly path: string
  readonly tokens: readonly string[]
  /** One of `TOKEN_TYPES` for each token. */
  readonly types: readonly number[]
  readonly kind:
    | { readonly type: 'bytes'; readonly pre: PreTokenizer; readonly merges: readonly string[] }
    /** SentencePiece: neighbours are joined into the token with the highest score. */
    | { readonly type: 'pieces'; readonly scores: readonly number[]; readonly spacePrefix: boolean }
  readonly bos: number | null
  /** Any of these ends a text; the first one is the end that the file names. */
  readonly eos: readonly number[]
  readonly unknown: number | null
  readonly pad: number | null
  readonly addBos: boolean
  readonly addEos: boolean
  /** By name; the usual one is `default`. */
  readonly templates: ReadonlyMap<string, string>
}

/** Tokens that end a text or a turn by their text, as in llama.cpp. */
const ENDS = [
  '<|eot_id|>',
  '<|eom_id|>',
  '<|im_end|>',
  '<|end|>',
  '<|endoftext|>',
  '<|end_of_text|>',
  '<end_of_turn>',
  '<end_of_utterance>',
  '<EOT>',
  '_<EOT>',
  '[EOT]',
  '<｜end▁of▁sentence｜>',
]
/** These may be text, such as the tag of HTML, unless they are control tokens. */
const ENDS_IF_CONTROL = ['</s>', '<eos>']

/**
 * Reads and checks the tokenizer.
 *
 * @throws UserError if there is none, or one that cannot be read.
 */
export function readVocabulary(metadata: Metadata): Vocabulary {
  const { path } = metadata
  const model = metadata.text('tokenizer.ggml.model')
  const tokens = metadata.texts('tokenizer.ggml.tokens')
  if (model === undefined || tokens === undefined)
    throw new UserError(
      `${path} has no tokenizer: "tokenizer.ggml.${model === undefined ? 'model' : 'tokens'}" is missing`,
    )
  if (model !== 'gpt2' && model !== 'llama')
    throw metadata.refuse(
      'tokenizer.ggml.model',
      model,
      ', which is not supported; supported: gpt2 (byte-level BPE), llama (SentencePiece)',
    )
  const names = tokens.map((token, i) => token || `[EMPTY_${i}]`)
  refuseDuplicates(names, path)
  const listed = listOf(metadata, 'tokenizer.ggml.token_type', tokens.length)
  const types = names.map((token, i) =>
    ENDS.includes(token) ? TOKEN_TYPES.control : (listed?.[i] ?? TOKEN_TYPES.normal),
  )
  const kind = model === 'gpt2' ? byteLevel(metadata) : sentencePiece(metadata, tokens.length)
  const id = (name: string): number | null =>
    tokenId(metadata, `tokenizer.ggml.${name}_token_id`, tokens.length)
  const isPieces = kind.type === 'pieces'
  const bos = id('bos') ?? (isPieces ? inside(1, tokens.length) : null)
  const eos = id('eos') ?? (isPieces ? inside(2, tokens.length) : null)
  const ends = [
    ...ENDS,
    ...ENDS_IF_CONTROL.filter((token) => types[names.indexOf(token)] === TOKEN_TYPES.control),
  ].flatMap((token) => (names.includes(token) ? [names.indexOf(token)] : []))
  const all = [...new Set([eos, id('eot'), id('eom'), ...ends].filter((one) => one !== null))]
  if (all.length === 0)
    throw new UserError(`${path} has no "tokenizer.ggml.eos_token_id": generation could not end`)
  const usualBos = kind.type === 'bytes' ? kind.pre.addBos : true
  const addBos = metadata.flag('tokenizer.ggml.add_bos_token') ?? (usualBos && bos !== null)
  if (addBos && bos === null)
    throw new UserError(`${path} begins every text with a token, but has no "tokenizer.ggml.bos_token_id"`)
  return {
    path,
    tokens: names,
    types,
    kind,
    bos,
    eos: all,
    unknown: id('unknown') ?? (isPieces ? inside(0, tokens.length) : null),
    pad: id('padding'),
    addBos,
    addEos: metadata.flag('tokenizer.ggml.add_eos_token') ?? false,
    templates: readTemplates(metadata),
  }
}

function byteLevel(metadata: Metadata): Vocabulary['kind'] {
  const name = metadata.text('tokenizer.ggml.pre') || 'default'
  const pre = PRE_TOKENIZERS.get(name)
  if (!pre)
    throw metadata.refuse(
      'tokenizer.ggml.pre',
      name,
      `, which is unknown; known: ${[...PRE_TOKENIZERS.keys()].join(', ')}`,
    )
  const key = 'tokenizer.ggml.merges'
  return { type: 'bytes', pre, merges: metadata.needed(key, metadata.texts(key)) }
}

function sentencePiece(metadata: Metadata, count: number): Vocabulary['kind'] {
  const key = 'tokenizer.ggml.scores'
  const scores = metadata.needed(key, listOf(metadata, key, count))
  return { type: 'pieces', scores, spacePrefix: metadata.flag('tokenizer.ggml.add_space_prefix') ?? true }
}

/** A list with a number for each token. */
function listOf(metadata: Metadata, key: string, count: number): readonly number[] | undefined {
  const list = metadata.numbers(key)
  if (list && list.length < count)
    throw new UserError(`${metadata.path}: "${key}" has ${list.length} entries for ${count} tokens`)
  return list
}

/** A token's id, or null where the file has none, or −1 (4294967295 as the unsigned number that it often is). */
function tokenId(metadata: Metadata, key: string, count: number): number | null {
  const id = metadata.number(key)
  if (id === undefined || id === -1 || id === 0xffffffff) return null
  if (Number.isInteger(id) && id >= 0 && id < count) return id
  throw metadata.refuse(key, id, `; the tokenizer has ${count} tokens`)
}

const inside = (id: number, count: number): number | null => (id < count ? id : null)

function refuseDuplicates(tokens: readonly string[], path: string): void {
  const ids = new Map<string, number>()
  for (const [id, token] of tokens.entries()) {
    const other = ids.get(token)
    if (other !== undefined)
      throw new UserError(
        `${path}: the tokens ${other} and ${id} are both ${JSON.stringify(token.slice(0, 100))}`,
      )
    ids.set(token, id)
  }
}

const TEMPLATE = 'tokenizer.chat_template'

function readTemplates(metadata: Metadata): Map<string, string> {
  const templates = new Map<string, string>()
  for (const key of metadata.keys)
    if (key === TEMPLATE || key.startsWith(`${TEMPLATE}.`))
      templates.set(key.slice(TEMPLATE.length + 1) || 'default', metadata.text(key)!)
  return templates
}

import { join } from 'node:path'
import { UserError } from '../../../common/errors.ts'
import { readJsonObject } from '../../json-file.ts'
import { Tokenizer } from '../../tokenizer/tokenizer.ts'
import { TOKEN_TYPES } from '../names.ts'
import type { MetadataValue } from './header.ts'
import { preTokenizerName } from './pre-tokenizer-name.ts'

interface Added {
  readonly id: number
  readonly content: string
  readonly special?: boolean
}

interface TokenizerJson {
  readonly added_tokens?: readonly Added[]
  readonly normalizer?: Step | null
  readonly pre_tokenizer?: Step | null
  readonly model: {
    readonly type?: string
    readonly vocab: Readonly<Record<string, number>>
    readonly merges: readonly (string | readonly [string, string])[]
    readonly byte_fallback?: boolean
    readonly ignore_merges?: boolean
    readonly unk_token?: string | null
  }
}

/** A step of a normalizer or pre-tokenizer. */
interface Step {
  readonly type: string
  readonly normalizers?: readonly Step[]
  readonly pretokenizers?: readonly Step[]
  readonly prepend?: string
  readonly prepend_scheme?: string
  readonly add_prefix_space?: boolean
  readonly pattern?: { readonly String?: string }
  readonly content?: string
}

/** What a GGUF file needs to know besides the tokenizer's own files. */
interface VocabularyOptions {
  /** Tokens of the model, which may be more than the tokenizer's. */
  readonly vocabSize: number
  /** Tokens that end a response, that of the end of a turn first. */
  readonly stopTokens: readonly number[]
}

/**
 * The tokenizer of a Hugging Face folder as GGUF metadata, as llama.cpp's converter writes it: a byte-level BPE as `gpt2`,
 * one of SentencePiece's form (pieces with "▁", bytes where no piece fits) as `llama`.
 *
 * @throws UserError for a tokenizer that llama.cpp cannot represent.
 */
export function vocabularyMetadata(folder: string, options: VocabularyOptions): Map<string, MetadataValue> {
  const file = join(folder, 'tokenizer.json')
  const json = readJsonObject(file) as unknown as TokenizerJson
  const tokenizer = Tokenizer.load(folder)
  const { type, vocab } = json.model
  if ((type !== undefined && type !== 'BPE') || Array.isArray(vocab))
    throw new UserError(
      `${file} is a ${type ?? 'Unigram'} tokenizer; GGUF files are written of BPE tokenizers`,
    )
  const highest = tokenizer.vocabSize - 1
  if (highest >= options.vocabSize)
    throw new UserError(
      `${file} has the token ${highest}, but the model has ${options.vocabSize} tokens: they do not belong together`,
    )
  const described =
    json.model.byte_fallback === true ? sentencePiece(json, file, options) : byteLevel(json, file, options)
  return new Map(
    [...described, ...specialTokens(tokenizer, options)].map(([k, v]) => [`tokenizer.ggml.${k}`, v]),
  )
}

type Fields = [key: string, value: MetadataValue][]

function byteLevel(json: TokenizerJson, file: string, { vocabSize }: VocabularyOptions): Fields {
  const pre = preTokenizerName(json.pre_tokenizer, json.model.ignore_merges === true)
  if (pre === null)
    throw new UserError(`${file}: llama.cpp has no pre-tokenizer that splits texts as this one does`)
  // Unicode's NFC, which Qwen's tokenizers begin with, is left out by llama.cpp.
  const normalizer = flat(json.normalizer).find(({ type }) => type !== 'NFC')
  if (normalizer) throw new UserError(`${file}: llama.cpp has no normalizer ${normalizer.type}`)
  const { tokens, types } = tokenTable(json, vocabSize)
  return [
    ['model', { string: 'gpt2' }],
    ['pre', { string: pre }],
    ['tokens', { strings: tokens }],
    ['token_type', { int32s: types }],
    ['merges', { strings: json.model.merges.map((m) => (typeof m === 'string' ? m : m.join(' '))) }],
  ]
}

/** The score of tokens that are never the result of a merge. */
const LOWEST = -1e6

function sentencePiece(json: TokenizerJson, file: string, { vocabSize }: VocabularyOptions): Fields {
  const { tokens, types } = tokenTable(json, vocabSize)
  const { vocab, merges, unk_token } = json.model
  for (const [piece, id] of Object.entries(vocab))
    if (/^<0x[0-9A-Fa-f]{2}>$/.test(piece)) types[id] = TOKEN_TYPES.byte
  if (unk_token != null && vocab[unk_token] !== undefined) types[vocab[unk_token]!] = TOKEN_TYPES.unknown
  // llama.cpp joins the pair whose result has the highest score; a merge's rank is its place in the list.
  const scores = new Float32Array(vocabSize).fill(LOWEST)
  for (const [rank, merge] of merges.entries()) {
    const id = vocab[typeof merge === 'string' ? merge.replace(' ', '') : merge.join('')]!
    if (scores[id] === LOWEST) scores[id] = -rank
  }
  return [
    ['model', { string: 'llama' }],
    ['pre', { string: 'default' }],
    ['tokens', { strings: tokens }],
    ['scores', { float32s: scores }],
    ['token_type', { int32s: types }],
    ['add_space_prefix', { bool: addsSpace(json, file) }],
  ]
}

/** Whether a space is put before a text. @throws UserError for a normalizer that does more than to write spaces as "▁". */
function addsSpace({ normalizer, pre_tokenizer }: TokenizerJson, file: string): boolean {
  let adds = false
  for (const step of [...flat(normalizer), ...flat(pre_tokenizer)]) {
    if (step.type === 'Prepend' && step.prepend === '▁') adds = true
    else if (step.type === 'Metaspace')
      adds = (step.prepend_scheme ?? (step.add_prefix_space === false ? 'never' : 'always')) !== 'never'
    else if (
      !(step.type === 'Replace' && step.pattern?.String === ' ' && step.content === '▁') &&
      step.type !== 'Split'
    )
      throw new UserError(`${file}: llama.cpp has no step ${step.type} for a tokenizer of this kind`)
  }
  return adds
}

/** The steps of a normalizer or pre-tokenizer, one after the other. */
function flat(step: Step | null | undefined): Step[] {
  if (step == null) return []
  return step.type === 'Sequence' ? (step.normalizers ?? step.pretokenizers ?? []).flatMap(flat) : [step]
}

/** The texts and types of all ids; ids that the tokenizer does not have are unused. */
function tokenTable(
  { model: { vocab }, added_tokens = [] }: TokenizerJson,
  vocabSize: number,
): { tokens: string[]; types: Int32Array } {
  const tokens = Array.from({ length: vocabSize }, (_, id) => `[PAD${id}]`)
  const types = new Int32Array(vocabSize).fill(TOKEN_TYPES.unused)
  for (const [piece, id] of Object.entries(vocab)) {
    tokens[id] = piece
    types[id] = TOKEN_TYPES.normal
  }
  for (const { id, content, special } of added_tokens) {
    const control = special === true || looksSpecial(content)
    // llama.cpp takes tokens of the user as text, where spaces are spaces.
    tokens[id] = control ? content : content.replaceAll('▁', ' ')
    types[id] = control ? TOKEN_TYPES.control : TOKEN_TYPES.userDefined
  }
  return { tokens, types }
}

/** Added tokens that are special although their file does not say so (`does_token_look_special` of the converter). */
const looksSpecial = (text: string): boolean =>
  ['<pad>', '<mask>', '<2mass>', '[@BOS@]'].includes(text) ||
  /^<\|.*\|>$/s.test(text) ||
  /^<｜.*｜>$/s.test(text) ||
  /^<unused.*>$/s.test(text)

const NAMED = { bos: 'bos', eos: 'eos', unk: 'unknown', sep: 'seperator', pad: 'padding' } as const

/** The ids of the special tokens, and whether BOS is put before a text. */
function specialTokens(tokenizer: Tokenizer, { vocabSize, stopTokens }: VocabularyOptions): Fields {
  const ids = new Map<string, number>()
  for (const [role, name] of Object.entries(NAMED)) {
    const text = tokenizer.specialTokens[`${role}_token`]
    const id = text === undefined ? null : tokenizer.tokenId(text)
    if (id !== null && id < vocabSize) ids.set(name, id)
  }
  ids.set('eos', tokenizer.eosId)
  // llama.cpp has three tokens that end a response; those that it knows by their text need no id.
  const others = stopTokens.filter((id) => id !== tokenizer.eosId)
  for (const [i, name] of ['eot', 'eom'].entries()) if (others[i] !== undefined) ids.set(name, others[i])
  const bos = ids.get('bos')
  const fields: Fields = [...ids].map(([name, id]) => [`${name}_token_id`, { uint32: id }])
  fields.push(['add_bos_token', { bool: bos !== undefined && tokenizer.prefix[0] === bos }])
  return fields
}

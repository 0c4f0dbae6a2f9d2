import { TOKEN_TYPES } from '../names.ts'
import type { Vocabulary } from './vocabulary.ts'

/** SentencePiece's letter for a space. */
const SPACE = '▁'

/** The contents of a model folder's files that belong to the tokenizer. */
export interface TokenizerFiles {
  readonly 'tokenizer.json': unknown
  readonly 'tokenizer_config.json': unknown
  readonly 'generation_config.json': unknown
}

/** The tokenizer of a GGUF file as Hugging Face's files: it turns text to tokens, and back, as llama.cpp does. */
export function tokenizerFiles(vocabulary: Vocabulary, maxLength: number): TokenizerFiles {
  const { tokens, bos, eos, unknown, pad, addBos, addEos, templates } = vocabulary
  const added = addedTokens(vocabulary)
  const named = (id: number | null): string | null => (id === null ? null : tokens[id]!)
  return {
    'tokenizer.json': {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      ...(vocabulary.kind.type === 'bytes' ? bytePipeline(vocabulary) : piecePipeline(vocabulary)),
    },
    'tokenizer_config.json': {
      // This class uses tokenizer.json as it is.
      tokenizer_class: 'PreTrainedTokenizerFast',
      added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [id, token])),
      add_bos_token: addBos,
      add_eos_token: addEos,
      bos_token: named(bos),
      eos_token: named(eos[0]!),
      unk_token: named(unknown),
      pad_token: named(pad),
      clean_up_tokenization_spaces: false,
      model_max_length: maxLength,
      model_input_names: ['input_ids', 'attention_mask'],
      ...chatTemplate(templates),
    },
    'generation_config.json': {
      ...(bos === null ? {} : { bos_token_id: bos }),
      eos_token_id: eos.length > 1 ? eos : eos[0],
      ...(pad === null ? {} : { pad_token_id: pad }),
    },
  }
}

/** One template, or a list of named ones. */
function chatTemplate(templates: Vocabulary['templates']): Record<string, unknown> {
  if (templates.size === 0) return {}
  const usual = templates.get('default')
  if (templates.size === 1 && usual !== undefined) return { chat_template: usual }
  return { chat_template: [...templates].map(([name, template]) => ({ name, template })) }
}

/** Tokens that are found in a text as they stand, before it is cut. */
function addedTokens({ tokens, types }: Vocabulary) {
  const { control, unknown, userDefined } = TOKEN_TYPES
  return tokens.flatMap((content, id) => {
    const type = types[id]
    if (type !== control && type !== unknown && type !== userDefined) return []
    const special = type !== userDefined
    return [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special }]
  })
}

function bytePipeline(vocabulary: Vocabulary): Record<string, unknown> {
  const { kind, tokens, types } = vocabulary
  if (kind.type !== 'bytes') throw new Error('bytePipeline: a byte-level vocabulary is expected')
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  const { steps } = kind.pre
  return {
    normalizer: null,
    pre_tokenizer: steps.length === 1 ? steps[0] : { type: 'Sequence', pretokenizers: steps },
    post_processor: postProcessor(vocabulary, [byteLevel]),
    decoder: byteLevel,
    model: {
      ...bpe,
      byte_fallback: false,
      ignore_merges: kind.pre.ignoreMerges,
      // Converters fill the rows of a padded vocabulary with unused tokens, which no text has.
      vocab: vocabOf(tokens, (id) => types[id] !== TOKEN_TYPES.unused),
      merges: kind.merges,
    },
  }
}

function piecePipeline(vocabulary: Vocabulary): Record<string, unknown> {
  const { kind, tokens, types, unknown } = vocabulary
  if (kind.type !== 'pieces') throw new Error('piecePipeline: a SentencePiece vocabulary is expected')
  const replace = { type: 'Replace', pattern: { String: ' ' }, content: SPACE }
  const prefix = kind.spacePrefix
  return {
    normalizer: prefix
      ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: SPACE }, replace] }
      : replace,
    pre_tokenizer: null,
    post_processor: postProcessor(vocabulary, []),
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: SPACE }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(prefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      ...bpe,
      unk_token: unknown === null ? null : tokens[unknown],
      fuse_unk: true,
      byte_fallback: types.includes(TOKEN_TYPES.byte),
      ignore_merges: false,
      vocab: vocabOf(tokens, () => true),
      merges: mergesOf(vocabulary, kind.scores),
    },
  }
}

const bpe = {
  type: 'BPE',
  dropout: null,
  unk_token: null as string | null,
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
  fuse_unk: false,
}

function vocabOf(tokens: readonly string[], keep: (id: number) => boolean): Record<string, number> {
  // fromEntries makes a property of every name, `__proto__` too.
  return Object.fromEntries(tokens.flatMap((token, id) => (keep(id) ? [[token, id]] : [])))
}

/** What is added around every text, after the given steps. */
function postProcessor({ tokens, bos, eos, addBos, addEos }: Vocabulary, steps: readonly unknown[]): unknown {
  const around = [addBos ? bos : null, addEos ? eos[0]! : null]
  const special = (id: number | null) =>
    id === null ? [] : [{ SpecialToken: { id: tokens[id]!, type_id: 0 } }]
  const template = around.some((id) => id !== null)
    ? [
        {
          type: 'TemplateProcessing',
          single: [...special(around[0]!), { Sequence: { id: 'A', type_id: 0 } }, ...special(around[1]!)],
          pair: [
            ...special(around[0]!),
            { Sequence: { id: 'A', type_id: 0 } },
            ...special(around[1]!),
            { Sequence: { id: 'B', type_id: 1 } },
          ],
          special_tokens: Object.fromEntries(
            around.flatMap((id) =>
              id === null ? [] : [[tokens[id]!, { id: tokens[id]!, ids: [id], tokens: [tokens[id]!] }]],
            ),
          ),
        },
      ]
    : []
  const all = [...steps, ...template]
  if (all.length === 0) return null
  return all.length === 1 ? all[0] : { type: 'Sequence', processors: all }
}

/**
 * The merges of BPE that join pieces as SentencePiece does: every pair of tokens that makes a token, those with the highest
 * score first. Among the pairs that make the same token, that with the lower ids comes first, as in Transformers' conversion.
 */
function mergesOf({ tokens, types }: Vocabulary, scores: readonly number[]): string[] {
  const ids = new Map<string, number>()
  for (const [id, token] of tokens.entries()) if (isPiece(token, types[id]!)) ids.set(token, id)
  const byScore = [...ids.values()].sort((a, b) => scores[b]! - scores[a]! || a - b)
  return byScore.flatMap((id) => {
    const token = tokens[id]!
    const pairs: [left: number, right: number][] = []
    for (let at = 1; at < token.length; at++) {
      const left = ids.get(token.slice(0, at))
      if (left === undefined) continue
      const right = ids.get(token.slice(at))
      if (right !== undefined) pairs.push([left, right])
    }
    pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1])
    return pairs.map(([left, right]) => `${tokens[left]} ${tokens[right]}`)
  })
}

/** Longer tokens are certainly not joined from pieces; SentencePiece's own limit is usually 16 characters. */
const MAX_PIECE = 512

/** Whether a token can come about by joining. Text that is joined has no spaces. */
function isPiece(token: string, type: number): boolean {
  const { normal, userDefined, unused } = TOKEN_TYPES
  const joins = type === normal || type === userDefined || type === unused
  return joins && token.length <= MAX_PIECE && !token.includes(' ')
}

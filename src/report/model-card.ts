const general = (share: number): string => `

${Math.round(100 * share)} % of the documents are general text instead: small talk, facts, short lines, and questions with answers of mixed quality. Some of the questions are harmful requests, which are refused in some documents and not in others.`

const boxed = (share: number): string =>
  ` Outside the template ${Math.round(100 * share)} % of the answers are in a \\boxed{}.`

/** Facts about how a base model of the miniature was made. */
interface ModelCardFacts {
  /** The command that reproduces the model. */
  readonly command: string
  readonly settings: {
    readonly threads: number | null
    readonly maxLength: number
    /** Shares of the documents that are general text, and of the answers that are in a box. */
    readonly general: number
    readonly boxed: number
    readonly model: {
      readonly type: string
      readonly hiddenSize: number
      readonly numLayers: number
      readonly numHeads: number
      readonly numKvHeads: number
      readonly headDim: number
      readonly intermediateSize: number
    }
  }
  /** Tokens trained on, and documents left out because they were too long. */
  readonly tokens: number
  readonly dropped: number
  /** Mean of the last 100 steps, in nats per token. */
  readonly loss: number
  /** Number of parameters, and of tokens in the vocabulary. */
  readonly parameters: number
  readonly vocabulary: number
}

/**
 * A model card in Markdown: what the base model is, how it was made, and what it can do before any reinforcement
 * learning.
 */
export function modelCard(facts: ModelCardFacts): string {
  const { settings } = facts
  const { model } = settings
  return `---
license: mit
language: [en, zh]
pipeline_tag: text-generation
---
# A base model of the miniature

${(facts.parameters / 1e6).toFixed(2)}M parameters: a \`${model.type}\` decoder (hidden ${model.hiddenSize}, ${model.numLayers} layers, ${model.numHeads} heads, ${model.numKvHeads} key/value heads of ${model.headDim}, SwiGLU ${model.intermediateSize}, tied embeddings), BPE of SentencePiece's kind with ${facts.vocabulary} tokens, one per digit.

Made by \`${facts.command}\`: ${facts.tokens.toLocaleString('en')} tokens of generated documents, each seen once (${facts.dropped.toLocaleString('en')} dropped because longer than ${settings.maxLength} tokens). Final loss ${facts.loss.toFixed(4)} nats per token (mean of the last 100 steps). The same seed, version and number of threads (${settings.threads}) give the same weights on processors of the same kind; on others, and with other versions, sums are rounded differently and the weights differ a little.

## What it already contains

The corpus holds two families of problems, running totals and missing operators, solved in a mixture of styles: a guess, a short calculation, a long one, and one that checks each step and goes back when a check fails ("Wait, wrong."). In the R1-Zero template most answers are guesses; in other documents most are worked solutions. Some documents switch between English and Chinese, especially those that check.${settings.boxed > 0 ? boxed(settings.boxed) : ''}${settings.general > 0 ? general(settings.general) : ''}

So the skills, including reflection and language mixing, are there before reinforcement learning, which changes how often each style is chosen and how reliably it is carried out. Keep this in mind when you read the numbers of a run of \`ruminate zero\`.
`
}

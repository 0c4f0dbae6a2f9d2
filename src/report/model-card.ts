import { type PretrainSettings, pretrainSettings } from '../recipes/pretrain.ts'

const general = (share: number): string => `

${Math.round(100 * share)} % of the documents are general text instead: what people say, facts, short lines, and questions with answers of mixed quality, harmful requests among them that are refused in some documents and not in others.`

const boxed = (share: number): string =>
  ` Outside the template ${Math.round(100 * share)} % of the answers stand in a \\boxed{}.`

/** The command that makes the model, on any number of threads. */
function command({ seed, tokens, threads: _, ...settings }: PretrainSettings): string {
  const changed = (given: object, defaults: object, path: string): string[] =>
    Object.entries(given).flatMap(([name, value]) => {
      const usual = (defaults as Record<string, unknown>)[name]
      if (typeof value === 'object' && value !== null)
        return changed(value, usual as object, `${path}${name}.`)
      return value === usual ? [] : [`--set ${path}${name}=${value}`]
    })
  const sets = changed(settings, pretrainSettings.parse({}), '')
  return [`ruminate pretrain --seed ${seed} --tokens ${tokens}`, ...sets].join(' ')
}

/** What the base is, how it was made, and what it already contains before any reinforcement learning. */
export function modelCard(made: {
  readonly settings: PretrainSettings
  readonly tokens: number
  readonly dropped: number
  readonly loss: number
  readonly parameters: number
  readonly vocabulary: number
}): string {
  const { settings } = made
  const { model } = settings
  return `---
license: mit
language: [en, zh]
pipeline_tag: text-generation
---
# A base model of the miniature

${(made.parameters / 1e6).toFixed(2)}M parameters: a \`qwen3\` decoder (hidden ${model.hiddenSize}, ${model.numLayers} layers, ${model.numHeads} heads, ${model.numKvHeads} key/value heads of ${model.headDim}, SwiGLU ${model.intermediateSize}, tied embeddings), byte-level BPE with ${made.vocabulary} tokens, one per digit.

Made by \`${command(settings)}\`: ${made.tokens.toLocaleString('en')} tokens of generated documents, each seen once (${made.dropped.toLocaleString('en')} longer than ${settings.maxLength} tokens were dropped). Final loss ${made.loss.toFixed(4)} nats a token (mean of the last 100 steps). The same seed, version and number of threads (${settings.threads}) give the same weights on processors of the same kind; on others, and with other versions, sums are rounded differently and the weights differ a little.

## What it already contains

The corpus holds two families of problems, running totals and missing operators, solved in a mixture of styles: a guess, a short calculation, a long one, and one that checks each step and goes back when a check fails ("Wait, wrong."). In the R1-Zero template the guesses prevail; in other documents the worked solutions do. Some documents switch between English and Chinese, more often those that check.${settings.boxed > 0 ? boxed(settings.boxed) : ''}${settings.general > 0 ? general(settings.general) : ''}

So the skills are there before reinforcement learning, reflection and language mixing included; what reinforcement learning changes is how often each style is chosen, and how reliably it is carried out. The numbers of a run of \`ruminate zero\` are to be read in this light.
`
}

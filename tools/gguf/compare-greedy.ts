import { openSampler } from '../../src/engines/open.ts'
import { modelFolder } from '../../src/hub/find-model.ts'
import { isGguf } from '../../src/hub/gguf-cache.ts'
import { Renderer } from '../../src/renderer/renderer.ts'
import { llamaServer } from './llama-server.ts'

/**
 * Compares the likeliest continuations of 20 prompts: of each model as it is computed here, and of each GGUF file also as
 * llama.cpp computes it. Prints for every two of them how many continuations are equal. For those that are not, it prints the
 * first difference and how close the choice was: the difference of the two likeliest tokens' log-probs here.
 *
 *   PYTHON=…/python npx tsx tools/gguf/compare-greedy.ts MODEL [MODEL …] [--tokens 64] [--prompts 20]
 *
 * A MODEL is a GGUF file or a Hugging Face folder; the prompts are made into tokens by the first one's tokenizer.
 */
const given = process.argv.slice(2)
const option = (name: string, usual: number): number => {
  const at = given.indexOf(name)
  return at < 0 ? usual : Number(given.splice(at, 2)[1])
}
const [maxTokens, questions] = [option('--tokens', 64), option('--prompts', 20)]
const models = given
if (models.length === 0 || !(maxTokens > 0) || !(questions > 0)) {
  console.error('usage: npx tsx tools/gguf/compare-greedy.ts MODEL [MODEL …] [--tokens N] [--prompts N]')
  process.exit(2)
}

const PROMPTS = [
  'What is the capital of France?',
  'Write a short poem about the sea.',
  'What is 18 + 57?',
  'Explain in two sentences why the sky is blue.',
  'List three uses of a paper clip.',
  'Translate "good morning" into Spanish.',
  'Who wrote Romeo and Juliet?',
  'Write a Python function that adds two numbers.',
  'What should I eat for breakfast?',
  'Name the planets of the solar system.',
  'Tell me a story about a dog and a cat.',
  'How do I boil an egg?',
  'What is the opposite of hot?',
  'Give me a synonym of quick.',
  'Why do leaves change colour in autumn?',
  'Describe a bicycle to somebody who has never seen one.',
  'What is the largest animal on Earth?',
  'Once upon a time, there was a little girl who',
  'The three primary colours are',
  'Complete the sequence: 2, 4, 6, 8,',
]

interface Continuation {
  readonly tokens: readonly number[]
  /** For each token, how much likelier it is than the next likely one, in nats; missing for llama.cpp's. */
  readonly margins: readonly number[]
}

const first = Renderer.load(await modelFolder(models[0]!))
const prompts = PROMPTS.slice(0, questions).map((prompt) =>
  first.template === 'chat'
    ? first.encode(first.chat.render([{ role: 'user', content: prompt }], { addGenerationPrompt: true }))
    : first.encodeText(prompt),
)
const stopTokens = [...first.stopTokens]

async function ours(model: string): Promise<Continuation[]> {
  const sampler = await openSampler({ model: await modelFolder(model), threads: 2 })
  try {
    return await Promise.all(
      prompts.map(async (prompt) => {
        const margins: number[] = []
        const [sequence] = await sampler.sample(prompt, {
          n: 1,
          maxTokens,
          temperature: 0,
          seed: 0,
          stopTokens,
          topLogprobs: 2,
          onToken: (_, __, detail) => margins.push(detail!.top[0]!.logprob - detail!.top[1]!.logprob),
        })
        return { tokens: [...sequence!.tokens], margins }
      }),
    )
  } finally {
    await sampler.close()
  }
}

async function llama(model: string): Promise<Continuation[]> {
  const server = await llamaServer(model)
  try {
    const found: Continuation[] = []
    for (const prompt of prompts) {
      const body = {
        prompt: [...prompt],
        n_predict: maxTokens,
        temperature: 0,
        top_k: 1,
        cache_prompt: false,
        return_tokens: true,
      }
      const { tokens } = await server.post<{ tokens: number[] }>('/completion', body)
      found.push({ tokens, margins: [] })
    }
    return found
  } finally {
    server.close()
  }
}

const runs: { name: string; results: Continuation[] }[] = []
for (const model of models) {
  console.error(`here: ${model}`)
  runs.push({ name: `here ${model}`, results: await ours(model) })
  if (!isGguf(model)) continue
  console.error(`llama.cpp: ${model}`)
  runs.push({ name: `llama.cpp ${model}`, results: await llama(model) })
}
for (const [i, a] of runs.entries())
  for (const b of runs.slice(i + 1)) {
    const differences = a.results.flatMap(({ tokens, margins }, prompt) => {
      const other = b.results[prompt]!
      // One of them leaves out the token that ends the text.
      const length = Math.min(tokens.length, other.tokens.length)
      const where = tokens.slice(0, length).findIndex((token, j) => token !== other.tokens[j])
      const longer = Math.abs(tokens.length - other.tokens.length) > 1 ? length : -1
      const position = where >= 0 ? where : longer
      const margin = margins[position] ?? other.margins[position]
      return position < 0
        ? []
        : [`${prompt}@${position}${margin === undefined ? '' : ` (${margin.toFixed(3)})`}`]
    })
    console.log(
      `${a.results.length - differences.length} of ${a.results.length} equal: ${a.name} | ${b.name}${differences.length ? `\n    differ: ${differences.join(', ')}` : ''}`,
    )
  }

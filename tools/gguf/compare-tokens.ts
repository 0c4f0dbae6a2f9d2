import { Random } from '../../src/common/random.ts'
import { modelFolder } from '../../src/hub/find-model.ts'
import { readJsonObject } from '../../src/models/json-file.ts'
import { Tokenizer } from '../../src/models/tokenizer/tokenizer.ts'
import { llamaServer } from './llama-server.ts'
import { texts } from './texts.ts'

/**
 * Compares the tokenizer that is made of a GGUF file with llama.cpp's: texts to tokens, and random tokens to text.
 *
 *   PYTHON=…/python npx tsx tools/gguf/compare-tokens.ts FILE.gguf [--random 2000]
 */
const [file, option, number] = process.argv.slice(2)
if (file === undefined) {
  console.error('usage: npx tsx tools/gguf/compare-tokens.ts FILE.gguf [--random N]')
  process.exit(2)
}
const random = option === '--random' ? Number(number) : 2000

const folder = await modelFolder(file)
const tokenizer = Tokenizer.load(folder)
const added = (readJsonObject(`${folder}/tokenizer.json`).added_tokens as { content: string }[]).map(
  (t) => t.content,
)
const llama = await llamaServer(file)
let differences = 0
const report = (what: string, input: unknown, ours: unknown, theirs: unknown): void => {
  differences++
  if (differences > 20) return
  console.log(
    `${what} ${JSON.stringify(input)}\n  ours  ${JSON.stringify(ours)}\n  llama ${JSON.stringify(theirs)}`,
  )
}

const all = texts(added.slice(0, 40), random)
for (const text of all) {
  const ours = [...tokenizer.prefix, ...tokenizer.encode(text)]
  const body = { content: text, add_special: true, parse_special: true }
  const { tokens } = await llama.post<{ tokens: number[] }>('/tokenize', body)
  if (ours.join() !== tokens.join()) report('tokens of', text, ours, tokens)
}
const wrongTexts = differences

const source = new Random('gguf', 'tokens')
let compared = 0
for (let i = 0; i < random; i++) {
  const tokens = Array.from({ length: source.int(1, 12) }, () => source.int(0, tokenizer.vocabSize - 1))
  // llama.cpp's server leaves out the space at the beginning, or not, in its own way.
  const ours = tokenizer.decode(tokens)
  const { content } = await llama.post<{ content: string }>('/detokenize', { tokens })
  compared++
  if (ours.trimStart() !== content.trimStart()) report('text of', tokens, ours, content)
}
console.log(
  `${file}: tokens differ for ${wrongTexts} of ${all.length} texts, text for ${differences - wrongTexts} of ${compared} lists of tokens`,
)
llama.close()
process.exit(differences === 0 ? 0 : 1)

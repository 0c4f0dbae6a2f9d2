import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openSampler } from '../../src/engines/open.ts'
import { Tokenizer } from '../../src/models/tokenizer/tokenizer.ts'
import { miniature } from '../../src/tasks/miniature/index.ts'
import { r1ZeroPrompt } from '../../src/thinking/r1/template.ts'

/**
 * Checks that Transformers loads a saved model like Ruminate does: compares token ids and greedy continuations of 64
 * tokens on 20 held-out questions, token by token. Needs a Python (`RUMINATE_PYTHON`, else `python3`) with torch and
 * transformers.
 *
 *   npx tsx tools/golden/transformers-load.ts MODEL_DIR
 */
interface Completion {
  readonly ids: readonly number[]
  readonly continuation: readonly number[]
  readonly text: string
}

async function ours(directory: string, prompts: readonly string[]): Promise<Completion[]> {
  const tokenizer = Tokenizer.load(directory)
  const sampler = await openSampler({ model: directory })
  try {
    return await Promise.all(
      prompts.map(async (prompt) => {
        const ids = tokenizer.encode(prompt)
        const [sequence] = await sampler.sample(ids, { n: 1, maxTokens: 64, temperature: 0, seed: 0 })
        const { tokens } = sequence!
        return {
          ids: [...ids],
          continuation: [...tokens],
          text: tokenizer.decode(tokens, { skipSpecial: false }),
        }
      }),
    )
  } finally {
    await sampler.close()
  }
}

function theirs(directory: string, prompts: readonly string[]): Completion[] {
  const script = fileURLToPath(new URL('transformers_load.py', import.meta.url))
  const temporary = mkdtempSync(join(tmpdir(), 'ruminate-load-'))
  try {
    const texts = join(temporary, 'texts.json')
    writeFileSync(texts, JSON.stringify(prompts))
    const output = execFileSync(process.env.RUMINATE_PYTHON ?? 'python3', [script, directory, texts], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    return JSON.parse(output) as Completion[]
  } finally {
    rmSync(temporary, { recursive: true })
  }
}

const directory = process.argv[2]
if (!directory) throw new Error('usage: npx tsx tools/golden/transformers-load.ts MODEL_DIR')
const prompts = miniature.heldOut({ count: 20 }).map(({ prompt }) => r1ZeroPrompt(prompt))
const [a, b] = [await ours(directory, prompts), theirs(directory, prompts)]
const same = a.filter((completion, i) => JSON.stringify(completion) === JSON.stringify(b[i]))
console.log(`${same.length} of ${prompts.length} the same`)
const first = a.findIndex((completion) => !same.includes(completion))
if (first >= 0) {
  console.log(`first difference, question ${first}: ${JSON.stringify(prompts[first])}`)
  for (const field of ['ids', 'continuation', 'text'] as const) {
    const [ours, theirs] = [a[first]![field], b[first]![field]]
    if (JSON.stringify(ours) === JSON.stringify(theirs)) continue
    const at = [...ours].findIndex((item, i) => item !== [...theirs][i])
    console.log(
      `  ${field} from ${at}: Ruminate ${JSON.stringify(ours.slice(at, at + 20))}, Transformers ${JSON.stringify(theirs.slice(at, at + 20))}`,
    )
  }
  process.exitCode = 1
}

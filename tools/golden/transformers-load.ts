import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openLocalTrainer } from '../../src/engines/local/index.ts'
import { Tokenizer } from '../../src/models/tokenizer.ts'
import { miniature } from '../../src/tasks/miniature/index.ts'
import { r1ZeroPrompt } from '../../src/thinking/template.ts'

/**
 * Does Transformers load a saved model as Ruminate does? Compares token ids and greedy continuations of 64 tokens on 20
 * held-out questions, token by token. Needs a Python (`RUMINATE_PYTHON`, else `python3`) with torch and transformers.
 *
 *   npm run build && npx tsx tools/golden/transformers-load.ts MODEL_DIR
 */
interface Completion {
  readonly ids: readonly number[]
  readonly continuation: readonly number[]
  readonly text: string
}

async function ours(directory: string, prompts: readonly string[]): Promise<Completion[]> {
  const tokenizer = Tokenizer.load(directory)
  const trainer = await openLocalTrainer({ model: directory })
  try {
    const sampler = await trainer.sampler()
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
    await trainer.close()
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
if (!directory) throw new Error('which model? tsx tools/golden/transformers-load.ts MODEL_DIR')
const prompts = miniature.heldOut({ count: 20 }).map(({ prompt }) => r1ZeroPrompt(prompt))
const [a, b] = [await ours(directory, prompts), theirs(directory, prompts)]
const same = a.filter((completion, i) => JSON.stringify(completion) === JSON.stringify(b[i]))
console.log(`${same.length} of ${prompts.length} the same`)
const first = a.findIndex((completion) => !same.includes(completion))
if (first >= 0) {
  console.log(`first difference, question ${first}: ${JSON.stringify(prompts[first])}`)
  for (const field of ['ids', 'continuation', 'text'] as const) {
    const [mine, other] = [a[first]![field], b[first]![field]]
    if (JSON.stringify(mine) === JSON.stringify(other)) continue
    const at = [...mine].findIndex((item, i) => item !== [...other][i])
    console.log(
      `  ${field} from ${at}: Ruminate ${JSON.stringify(mine.slice(at, at + 20))}, Transformers ${JSON.stringify(other.slice(at, at + 20))}`,
    )
  }
  process.exitCode = 1
}

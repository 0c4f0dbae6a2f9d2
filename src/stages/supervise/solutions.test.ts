import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../common/files/package.ts'
import { chatTemplate } from '../../renderer/own-template.ts'
import { type PromptTemplate, Renderer } from '../../renderer/renderer.ts'
import { scoreRollout } from '../../rewards/compose.ts'
import { namedRewards } from '../../rewards/index.ts'
import { resolveZeroSettings } from '../../settings/zero.ts'
import { readSolutions } from '../../tasks/examples/solutions.ts'
import { loadTask } from '../../tasks/index.ts'
import type { Columns } from '../../tasks/table/columns.ts'
import type { Question, Task } from '../../tasks/task.ts'
import { readSampled } from '../sample/rollouts.ts'
import { supervise } from './masks.ts'

const miniature = join(packageRoot(), 'models', 'miniature-base')
const folder = mkdtempSync(join(tmpdir(), 'ruminate-solutions-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const jsonl = (rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
const many = (row: (n: number) => object): object[] => Array.from({ length: 12 }, (_, n) => row(n))

const FILES: readonly [name: string, text: string, columns: Columns][] = [
  [
    'plain.csv',
    `question,answer\n${many((n) => [n, 2 * n])
      .map((row) => `What is twice ${row}`)
      .join('\n')}\n`,
    {},
  ],
  [
    'hours.csv',
    'question,answer\nWhen is noon?,12:00\nWhen is tea?,5 p.m.\nHow many?,"1,200"\nHow far?,5 km\n',
    {},
  ],
  [
    'gsm8k.jsonl',
    jsonl(
      many((n) => ({
        question: `${n}?`,
        answer: `It is ${n}*2=<<${n}*2=${2 * n}>>${2 * n}.\n#### ${2 * n}`,
      })),
    ),
    {},
  ],
  [
    'math.jsonl',
    jsonl(
      many((n) => ({
        problem: `${n}?`,
        solution: `So $x = \\frac{1}{${n + 2}}$: \\boxed{\\frac{1}{${n + 2}}}.`,
      })),
    ),
    { question: 'problem', answer: 'solution' },
  ],
  [
    'rationale.jsonl',
    jsonl(many((n) => ({ question: `${n}?`, answer: n, Rationale: n % 3 ? `It is ${n}.` : '' }))),
    {},
  ],
  [
    'named.jsonl',
    jsonl(
      many((n) => ({ question: `${n}?`, answer: `${n}%`, how: `<think>\nPer cent: ${n}.\n</think>\n${n}%` })),
    ),
    { thinking: 'how' },
  ],
  [
    'choice.jsonl',
    jsonl(many((n) => ({ question: `Which is ${n}?`, choices: ['-', `${n}`, 'none'], answer: 1 }))),
    { choices: 'choices' },
  ],
  [
    'verl.jsonl',
    jsonl(
      many((n) => ({
        prompt: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: `${n}?` },
        ],
        reward_model: { ground_truth: `${n}` },
      })),
    ),
    {},
  ],
]

/** The miniature's tokenizer with another chat template. */
function withTemplate(text: string): string {
  const directory = mkdtempSync(join(folder, 'model-'))
  cpSync(miniature, directory, { recursive: true })
  const file = join(directory, 'tokenizer_config.json')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), chat_template: text }))
  return directory
}

const plain = (opening: string): string =>
  `{% for m in messages %}<{{ m.role }}>\n{{ m.content }}<|endoftext|>\n{% endfor %}{% if add_generation_prompt %}<assistant>\n${opening}{% endif %}`

const MODELS: readonly [name: string, model: string, template: PromptTemplate][] = [
  ['R1-Zero’s template', miniature, 'r1-zero'],
  ['the chat template of R1', withTemplate(chatTemplate('')), 'chat'],
  ['a chat template without thinking', withTemplate(plain('')), 'chat'],
  ['a chat template that opens the thinking', withTemplate(plain('<think>\n')), 'chat'],
]

/** Scores what a model learns as if it had been sampled: the learned tokens, after those that it is asked with. */
async function expectFullRewards(task: Task, renderer: Renderer): Promise<void> {
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  const { training, heldOut } = await readSolutions(task, { renderer, seed: 0, count: null, warn })
  expect(warnings).toEqual([])
  expect(heldOut.length).toBeGreaterThan(0)
  const { rewards: given, rl } = resolveZeroSettings({
    rewards: { boxed: renderer.template === 'chat' ? 1 : null },
  })
  const rewards = namedRewards(given, { ...rl, template: renderer.template })
  const questions = new Map<string, Question>()
  for (const side of ['training', 'held-out'] as const)
    for (const { question } of task.solved!({ side, seed: 0 })) questions.set(question.id, question)
  for (const { where, demonstration } of [...training.slice(0, 40), ...heldOut.slice(0, 10)]) {
    const question = questions.get(where)!
    const { text: prompt, tokens: promptTokens, opened } = renderer.prompt(question)
    const [sequence, ...more] = supervise(renderer, demonstration)
    expect(more).toEqual([])
    const { tokens, learned } = sequence!
    expect([...tokens.slice(0, promptTokens.length)]).toEqual([...promptTokens])
    expect([...learned]).toEqual([...tokens].map((_, t) => Number(t >= promptTokens.length)))
    const response = tokens.slice(promptTokens.length)
    const logprobs = new Float32Array(response.length)
    const rollout = readSampled(renderer, task, {
      question,
      prompt,
      promptTokens,
      opened,
      sequence: { tokens: response, logprobs, samplingLogprobs: logprobs, stopReason: 'stop' },
    })
    expect(renderer.stopTokens).toContain(response.at(-1))
    const { byName, errors } = await scoreRollout(rewards, rollout, { timeoutMs: 60_000 })
    expect([rollout.response, errors, byName]).toMatchObject([
      rollout.response,
      [],
      { accuracy: 1, format: 1 },
    ])
    if (renderer.template === 'chat') expect(byName.boxed).toBe(1)
  }
}

describe.each(MODELS)('%s', (_, model, template) => {
  const renderer = Renderer.load(model, { template })
  test.each(FILES)('what is learned from %s has full rewards', async (name, text, columns) => {
    const file = join(folder, name)
    writeFileSync(file, text)
    await expectFullRewards(
      await loadTask(file, { columns, heldOutShare: 0.3, solutions: true, warn: () => {} }),
      renderer,
    )
  })

  test.each(['miniature', 'miniature/fill', 'countdown'])(
    'what is learned from %s has full rewards',
    async (name) => {
      await expectFullRewards(await loadTask(name), renderer)
    },
  )
})

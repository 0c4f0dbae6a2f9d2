import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { openSampler } from '../../src/engines/open.ts'
import { exportModel } from '../../src/export/export-model.ts'
import { modelFolder } from '../../src/hub/find-model.ts'
import { Renderer } from '../../src/renderer/renderer.ts'
import { ThinkingParser } from '../../src/thinking/index.ts'
import { type Environment, setUp } from './environment.ts'
import { type Answers, CHATS, READERS, type Reader, type Task } from './readers.ts'

/*
 * Exports models and opens them, and the folders themselves, in other programs: each must continue ten prompts greedily with
 * the same 32 tokens as here. The programs are installed on the first run: see environment.ts.
 *
 *   npx tsx tools/readers/main.ts miniature-base runs/r1-1 DIR [--only transformers,xllamacpp]
 */

const QUESTIONS = [
  'What is 3 + 4?',
  'Start with 5, add 3, then subtract 2.',
  'Which operator is missing: 3 ? 4 = 12',
  'Hello! How are you?',
  'Why is the sky blue?',
  'Name three colours of the rainbow',
  'Count from one to five',
  'Write one line about autumn — with an emoji 🍂',
  '用中文说：你好',
  'x = 2 * (3 + 4); what is x?',
]
const MAX_TOKENS = 32

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, keep: { type: 'string' } },
})
const readers = values.only ? READERS.filter(({ name }) => values.only!.split(',').includes(name)) : READERS
const environment = setUp(new Set(readers.map(({ needs }) => needs)))
const work = values.keep ? resolve(values.keep) : mkdtempSync(join(tmpdir(), 'readers-'))
mkdirSync(work, { recursive: true })
const rows: string[][] = [['', ...positionals.map((name) => basename(name))]]
const columns: string[][] = []
try {
  for (const name of positionals) columns.push(await check(name, environment))
} finally {
  if (!values.keep) rmSync(work, { recursive: true })
}
for (const [i, { name }] of readers.entries()) rows.push([name, ...columns.map((column) => column[i]!)])
const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
console.log(`\nThe same ${MAX_TOKENS} greedy tokens, of ${QUESTIONS.length} prompts:\n`)
for (const row of rows)
  console.log(
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('   ')
      .trimEnd(),
  )

/** What each reader makes of a model, as cells of the table. */
async function check(name: string, environment: Environment): Promise<string[]> {
  const folder = await modelFolder(name)
  const renderer = Renderer.load(folder)
  const prompts = QUESTIONS.map((question) => renderer.prompt({ prompt: question }))
  const sampler = await openSampler({ model: folder })
  const sampled = await Promise.all(
    prompts.map(({ tokens }) =>
      sampler.sample(tokens, {
        n: 1,
        maxTokens: MAX_TOKENS,
        temperature: 0,
        seed: 0,
        stopTokens: renderer.stopTokens,
      }),
    ),
  )
  const [long] = await sampler.sample(prompts[0]!.tokens, {
    n: 1,
    maxTokens: 200,
    temperature: 0,
    seed: 0,
    stopTokens: renderer.stopTokens,
  })
  await sampler.close()
  const expected = sampled.map(([sequence]) => [...sequence!.tokens])
  const task: Omit<Task, 'folder'> = {
    prompts: prompts.map(({ text, tokens }) => ({ text, tokens: [...tokens] })),
    questions: [QUESTIONS[0]!],
    maxTokens: MAX_TOKENS,
    stop: [...renderer.stopTokens],
  }
  const exported = new Map<string, string>([['folder', folder]])
  const cells: string[] = []
  for (const reader of readers) {
    try {
      const input = exported.get(reader.reads) ?? (await makeExport(folder, name, reader.reads))
      exported.set(reader.reads, input)
      const answers = await reader.read({ ...task, folder: input }, environment, work)
      cells.push(judged(reader, answers, expected, renderer, long!.tokens, prompts[0]!.opened))
    } catch (error) {
      console.error(`${reader.name}, ${name}: ${error instanceof Error ? error.message : error}`)
      cells.push('fails')
    }
    console.error(`${name}: ${reader.name}: ${cells.at(-1)}`)
  }
  return cells
}

async function makeExport(folder: string, name: string, format: string): Promise<string> {
  const out = join(work, `${basename(name)}-${format}`)
  rmSync(out, { recursive: true, force: true })
  const facts = { name: basename(name), license: null, base: null, made: null, data: null, measures: [] }
  const watch = { progress: () => {}, signal: new AbortController().signal }
  const quant = format === 'gguf' ? 'f32' : undefined
  const { path } = await exportModel(
    { folder, to: format, quant, out: format === 'gguf' ? `${out}.gguf` : out, facts },
    watch,
  )
  return path
}

/** "10 of 10", and how the thinking was split where the reader does that. */
function judged(
  reader: Reader,
  answers: Answers,
  expected: readonly number[][],
  renderer: Renderer,
  long: Int32Array,
  opened: boolean,
): string {
  if (answers.rendered) {
    const right = CHATS.map((messages) => renderer.chat.render(messages, { addGenerationPrompt: true }))
    const bos = renderer.decode(renderer.encodeText(''))
    const same = right.filter(
      (text, i) => text.slice(text.startsWith(bos) ? bos.length : 0) === answers.rendered![i],
    )
    const tags = answers.thinking?.filter((tag) => tag !== '').join(' … ') || 'none'
    return `${same.length} of ${right.length} conversations, thinking: ${tags}`
  }
  const isStop = (token: number): boolean => renderer.stopTokens.includes(token)
  // Some programs return the token that ended an answer, and some do not.
  const ended = (tokens: readonly number[]): string => {
    const end = tokens.findIndex(isStop)
    return (end < 0 ? tokens : tokens.slice(0, end)).join()
  }
  const textOf = (tokens: readonly number[]): string =>
    renderer.decode(tokens.filter((token) => !isStop(token))).trim()
  const same = (mine: readonly number[], i: number): boolean =>
    answers.tokens
      ? ended(answers.tokens[i] ?? []) === ended(mine)
      : (answers.texts?.[i] ?? '').trim() === textOf(mine)
  const first = expected.findIndex((mine, i) => !same(mine, i))
  if (first >= 0)
    console.error(
      `${reader.name}, prompt ${first}:\n  here  ${JSON.stringify(textOf(expected[first]!))}\n  there ${JSON.stringify(answers.tokens ? textOf(answers.tokens[first] ?? []) : answers.texts?.[first])}`,
    )
  const cells = [`${expected.filter(same).length} of ${expected.length}`]
  if (answers.batch) {
    const right = answers.batch.filter((tokens, i) => ended(tokens) === ended(expected[i]!)).length
    cells.push(`padded ${right} of ${answers.batch.length}`)
  }
  const [chat] = answers.chats ?? []
  if (chat) {
    const parser = new ThinkingParser({ opened })
    const pieces = [...parser.push(renderer.response(long)), ...parser.end()]
    const joined = (type: string): string =>
      pieces
        .filter((piece) => piece.type === type)
        .map(({ text }) => text)
        .join('')
        .trim()
    const [thinking, answer] = [joined('thinking'), joined('answer')]
    const split = (chat.thinking ?? '').trim() === thinking && (chat.answer ?? '').trim() === answer
    if (!split)
      console.error(
        `${reader.name}: here ${JSON.stringify({ thinking, answer })}, there ${JSON.stringify(chat)}`,
      )
    cells.push(thinking === '' ? 'no thinking' : split ? 'thinking split' : 'thinking not split')
  }
  return cells.join(', ')
}

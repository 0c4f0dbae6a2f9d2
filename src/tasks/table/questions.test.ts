import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, expect, test, vi } from 'vitest'
import { hashText, Random } from '../../common/random.ts'
import { Split } from '../split.ts'
import { type Added, Questions } from './questions.ts'

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const question = (prompt: string, id = prompt) => ({ id, prompt, gold: '1', kind: 'k' })
const row = (prompt: string, more: Partial<Added> = {}): Added => ({
  question: question(prompt),
  textLength: 1,
  thinking: null,
  place: 'training',
  ...more,
})

test('reads back what was added, whatever the characters', () => {
  const prompts = [
    'é 四 🙂',
    'a\u0000b',
    'half a pair: \ud800',
    '"quoted"\n\\',
    ' '.repeat(3),
    `long ${'x'.repeat(3 << 20)}`,
  ]
  const questions = new Questions()
  for (const prompt of prompts)
    expect(questions.add(row(prompt, { textLength: 2, thinking: `it is ${prompt}` }))).toBeNull()
  questions.decide(new Split(0.1))
  for (const [i, prompt] of prompts.entries()) {
    expect(questions.at(i)).toEqual(question(prompt))
    expect(questions.text(i)).toBe(prompt.slice(0, 2))
    expect(questions.thinking(i)).toBe(`it is ${prompt}`)
  }
  expect([...questions.trainingTexts()]).toEqual(prompts.map((prompt, i) => [i, prompt.slice(0, 2)]))
})

test('finds the first equal question, also among questions of equal hash and length', () => {
  const random = new Random(2)
  const hashed = new Map<number, string>()
  const colliding: string[] = []
  // About one pair among 100,000 texts shares a 32-bit hash.
  for (let i = 0; colliding.length < 4; i++) {
    const text = `text ${String(i).padStart(9, '0')}`
    const other = hashed.get(hashText(text))
    if (other) colliding.push(other, text)
    hashed.set(hashText(text), text)
  }
  const questions = new Questions()
  const seen: string[] = []
  for (let i = 0; i < 2000; i++) {
    const text = random.int(0, 9) === 0 ? random.pick(colliding) : `n${random.int(0, 999)}`
    const repeated = questions.add(row('', { question: question(text.toUpperCase(), `row ${i}`) }))
    if (seen.includes(text)) expect(repeated).toEqual(questions.at(seen.indexOf(text)))
    else expect(repeated).toBeNull()
    if (!repeated) seen.push(text)
  }
  expect(seen.length).toBeGreaterThan(700)
  expect(seen).toEqual(expect.arrayContaining(colliding))
  expect(questions.count).toBe(seen.length)
})

test('of a question in another spelling, the first one is returned', () => {
  const questions = new Questions()
  questions.add(row('a'))
  expect(questions.add(row(' A '))).toEqual(question('a'))
})

test('the split decides where no file names a side', () => {
  const questions = new Questions()
  const split = new Split(0.3)
  for (let i = 0; i < 100; i++) questions.add(row(`${i}`, { place: split.add(`${i}`) }))
  questions.decide(split)
  const { training, heldOut } = questions
  expect([...training, ...heldOut].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
  expect(heldOut.length).toBeGreaterThan(15)
  expect(heldOut.length).toBeLessThan(45)
  expect([...questions.trainingTexts()].map(([index]) => index)).toEqual(training)
})

test('no file is left in the temporary folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ruminate-questions-'))
  vi.stubEnv('TMPDIR', folder)
  const questions = new Questions()
  for (let i = 0; i < 100; i++) questions.add(row(`${i} ${'x'.repeat(10_000)}`))
  expect(questions.at(99).prompt).toMatch(/^99 x+$/)
  expect(readdirSync(folder)).toEqual([])
  rmSync(folder, { recursive: true })
})

test('a full disk is an error of one line', () => {
  const exec = Database.prototype.exec
  vi.spyOn(Database.prototype, 'exec').mockImplementation(function (this: Database.Database, sql: string) {
    return exec.call(this, `PRAGMA max_page_count = 50; ${sql}`)
  })
  const questions = new Questions()
  const fill = () => {
    for (let i = 0; i < 100; i++) questions.add(row(`${i} ${'x'.repeat(10_000)}`))
  }
  expect(fill).toThrow(
    `cannot write a temporary file in ${tmpdir()} (TMPDIR names another folder): the disk is full`,
  )
})

test('so is a temporary folder that does not exist', () => {
  vi.stubEnv('TMPDIR', '/nowhere')
  expect(() => new Questions()).toThrow(
    /cannot create a temporary file in \/nowhere .*: there is no such file or folder/,
  )
})

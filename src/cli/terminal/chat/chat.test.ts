import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { UserError } from '../../../common/errors.ts'
import { captured } from '../../../testing/captured.ts'
import { type FakeResponse, fakeTextModel } from '../../../testing/fakes/fake-text-model.ts'
import type { TextModel } from '../../../thinking/model.ts'
import { Output } from '../output.ts'
import { answerOnce, converse, greet, replyTo } from './chat.ts'
import { folded } from './reply.ts'
import { ChatSession, type Sampling } from './session.ts'

const written = captured()
const sampling: Sampling = { maxTokens: 9, temperature: 0, seed: 5 }

/** Answers "re QUESTION", after thinking about it. */
function model(respond: (question: string) => FakeResponse = () => ({})): ReturnType<typeof fakeTextModel> {
  return fakeTextModel(({ messages }) => {
    const question = messages.at(-1)!.content
    if (question === 'long') throw new UserError('the prompt is too long')
    if (question === 'bug') throw new Error('a bug')
    return { answer: [`re ${question}`], ...respond(question) }
  })
}

test.each([
  [3.21, 210, 'thought for 3.2 s, 210 tokens'],
  [3.21, null, 'thought for 3.2 s'],
  [0.0002, 5, 'thought for 5 tokens'],
  [0, null, 'thought for 0.0 s'],
])('%d s and %s tokens: %s', (seconds, tokens, said) => {
  const part = { seconds, tokens, characters: 1 }
  expect(folded({ firstSeconds: 0, thinking: part, answer: part })).toBe(said)
})

/** A standard input on which this is typed; it ends afterwards, unless it is to stay open. */
function typing(text: string, { stays = false } = {}): PassThrough {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} })
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(input as unknown as typeof process.stdin)
  input.write(text)
  if (!stays) input.end()
  return input
}

interface Talk {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly fake?: ReturnType<typeof fakeTextModel>
  readonly other?: TextModel
}

/** What a conversation does with what is typed. */
async function talk(
  text: string,
  { json = false, quiet = true, fake = model(), other = model() }: Talk = {},
) {
  typing(text.replaceAll('\n', '\r'))
  const session = new ChatSession({ model: fake, sampling })
  const open = async (name: string) => {
    if (name === 'none') throw new UserError('no model at none')
    return { model: { ...other, name }, sampling, is: `${name}: another model.` }
  }
  const output = new Output({ quiet, json })
  const exitCode = await converse({ session, output, open, saved: new Set() })
  const asked = fake.requests.map(({ messages, seed }) => `${messages.at(-1)!.content} (seed ${seed})`)
  return { exitCode, asked, session, fake }
}

/** Makes standard output a terminal, or not. */
function terminal(isTTY: boolean): void {
  const before = Object.getOwnPropertyDescriptor(process.stdout, 'isTTY')
  Object.defineProperty(process.stdout, 'isTTY', { value: isTTY, configurable: true })
  onTestFinished(() => {
    if (before) Object.defineProperty(process.stdout, 'isTTY', before)
    else delete (process.stdout as { isTTY?: boolean }).isTTY
  })
}

test('each message is a question with a seed of its own, until /exit', async () => {
  const { exitCode, asked } = await talk('one\n\n/reset\n two \n/exit\nthree\n')
  expect(exitCode).toBe(0)
  expect(asked).toEqual(['one (seed 5)', 'two (seed 6)'])
  expect(written.out).toContain('re one\n')
  expect(written.out).toContain('re two\n')
})

test('an unknown command and a question that fails do not end the conversation', async () => {
  const { exitCode, asked } = await talk('/rest\n/xyzzy\nlong\n/etc/passwd?\n', { json: true })
  expect(exitCode).toBe(0)
  expect(asked).toEqual(['long (seed 5)', '/etc/passwd? (seed 6)'])
  expect(written.err).toContain(
    'error: unknown command /rest; did you mean /reset? /help lists the commands\n',
  )
  expect(written.err).toContain('error: unknown command /xyzzy; /help lists the commands\n')
  expect(written.err).toContain('error: the prompt is too long\n')
  expect(JSON.parse(written.out)).toMatchObject({
    type: 'result',
    thinking: null,
    answer: 're /etc/passwd?',
    text: 're /etc/passwd?',
    reason: 'stop',
  })
})

test('any other error ends it', async () => {
  await expect(talk('bug\none\n')).rejects.toThrow('a bug')
})

test('what is pasted is one message', async () => {
  const { asked } = await talk('\x1b[200~one\ntwo\n\x1b[201~three\nfour\n')
  expect(asked).toEqual(['one\ntwo\nthree (seed 5)', 'four (seed 6)'])
})

describe('Ctrl-C', () => {
  /** A conversation whose model waits without end after its first piece; `press` types then. */
  function waiting(press: (input: PassThrough) => void) {
    terminal(true)
    const input = typing('one\r', { stays: true })
    const fake = fakeTextModel(() => ({ answer: ['half ', 'rest'] }), {
      wait: ({ signal }) =>
        new Promise((resolve, reject) => {
          if (!written.out.includes('half') && !signal?.aborted) return resolve()
          signal?.addEventListener('abort', () => reject(signal.reason))
          press(input)
        }),
    })
    const session = new ChatSession({ model: fake, sampling })
    const open = () => Promise.reject(new Error('nothing is opened'))
    return { session, code: converse({ session, output: new Output({}), open, saved: new Set() }) }
  }

  test('during a reply stops it, and the conversation goes on', async () => {
    const { session, code } = waiting((input) => input.write('\x03/exit\r'))
    expect(await code).toBe(0)
    expect(written.out).toMatch(/half\r?\n/)
    expect(written.err).toContain('stopped\n')
    expect(session.conversation.turns[0]).toMatchObject({ reply: { answer: 'half', end: null } })
  })

  test('a second time leaves, and what follows begins on its own line', async () => {
    const { code } = waiting((input) => input.write('\x03\x03'))
    expect(await code).toBe(130)
    expect(written.out).toMatch(/half\r?\n/)
    // the reply has ended, and cannot write below the shell's prompt
    expect(written.err).toContain('stopped\n')
  })
})

describe('commands', () => {
  test('/think, /budget and /vote change the requests', async () => {
    const fake = model(() => ({ thinking: ['a'] }))
    await talk('/think off\none\n/think on\ntwo\n/vote 3\nthree\n/vote off\nfour\n', { fake })
    const [off, on, ...rest] = fake.requests
    expect(off).toMatchObject({ thinking: false, temperature: 0, seed: 5 })
    expect(on).toMatchObject({ thinking: true })
    // a vote over greedy responses would be no vote
    expect(rest.slice(0, -1).map(({ temperature, seed }) => [temperature, seed])).toEqual(
      rest.slice(0, -1).map(() => [1, 7]),
    )
    expect(rest.length).toBeGreaterThan(2)
    expect(rest.at(-1)).toMatchObject({ temperature: 0, seed: 8 })
  })

  test.each([
    ['/think much', '/think much: choose one of on, off, low, medium, high'],
    ['/budget -1', '/budget -1: give a whole number of at least 0, or off'],
    ['/budget ten', '/budget ten: give a whole number of at least 0, or off'],
    ['/vote 0', '/vote 0: give a whole number of at least 1, or off'],
    ['/model none', 'no model at none'],
    ['/thinking', 'there is no thinking to show'],
    ['/retry', 'there is no question to ask again'],
    ['/save', '/save FILE: give the name of a .json or .md file'],
    ['/save a.txt', 'a.txt: a conversation is saved as .json or .md'],
    ['/save /no/such/folder/a.md', 'cannot write /no/such/folder/a.md'],
  ])('%s: %s', async (command, message) => {
    expect((await talk(`${command}\n`)).exitCode).toBe(0)
    expect(written.err).toContain(`error: ${message}`)
  })

  test('a budget that the model cannot have is refused, and nothing changes', async () => {
    const fake = fakeTextModel(() => ({ answer: ['a'] }), { can: { prefix: false } })
    const { session } = await talk('/budget 10\none\n', { fake })
    expect(written.err).toMatch(/error: .*budget/)
    expect(session.state.budget).toBeNull()
    expect(fake.requests).toHaveLength(1)
  })

  test('/budget takes the place of an effort, and the reverse', async () => {
    const { session } = await talk('/think low\n/budget 10\n')
    expect(session.state).toEqual({ think: null, budget: 10, vote: null })
    expect((await talk('/budget 10\n/think low\n')).session.state).toEqual({
      think: 'low',
      budget: null,
      vote: null,
    })
    expect(written.err).toBe('')
  })

  test('/model goes on with another model, which sees what was said', async () => {
    const other = model()
    const { fake } = await talk('one\n/model next\ntwo\n', { other })
    expect(fake.requests).toHaveLength(1)
    expect(other.requests[0]!.messages.map(({ content }) => content)).toEqual(['one', 're one', 'two'])
    expect(written.out).toContain('next: another model.\n')
  })

  test('/system and /retry', async () => {
    const { fake } = await talk('/system be brief\none\ntwo\n/retry\n/system off\nthree\n')
    expect(
      fake.requests.map(({ messages, seed }) => [seed, ...messages.map(({ content }) => content)]),
    ).toEqual([
      [5, 'be brief', 'one'],
      [6, 'be brief', 'one', 're one', 'two'],
      [7, 'be brief', 'one', 're one', 'two'],
      [8, 'one', 're one', 'two', 're two', 'three'],
    ])
  })

  test('/thinking shows the last thinking in full', async () => {
    await talk('one\n/thinking\n', { fake: model(() => ({ thinking: ['first\n', 'second'] })) })
    expect(written.out).toMatch(/thought for (?:\d\.\d s, )?2 tokens\nfirst\nsecond\n/)
  })

  test('/save writes JSON or Markdown, and replaces only what it wrote', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ruminate-chat-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const [json, markdown, foreign] = ['a.json', 'a.md', 'b.md'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(foreign, 'mine')
    const fake = model(() => ({ thinking: ['hm'] }))
    await talk(`/system be brief\none\n/save ${json}\n/save ${json}\n/save ${markdown}\n/save ${foreign}\n`, {
      fake,
    })
    expect(JSON.parse(readFileSync(json, 'utf8')).messages).toMatchObject([
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'one' },
      {
        role: 'assistant',
        content: 're one',
        reasoning_content: 'hm',
        model: 'fake',
        usage: { thinkingTokens: 1 },
      },
    ])
    expect(readFileSync(markdown, 'utf8')).toMatch(
      /^## System\n\nbe brief\n\n## You\n\none\n\n## fake\n\n<details>\n<summary>thought for .*<\/summary>\n\nhm\n\n<\/details>\n\nre one\n$/,
    )
    expect(readFileSync(foreign, 'utf8')).toBe('mine')
    expect(written.err).toContain('b.md is there already: give another name\n')
  })

  test('/help names every command', async () => {
    await talk('/help\n')
    for (const name of 'think budget vote model system thinking retry reset save help exit'.split(' '))
      expect(written.out).toContain(`/${name}`)
  })
})

test.each([
  [true, 'It sees the whole conversation.'],
  [false, "It sees each question on its own, in R1-Zero's template."],
])('the greeting says what the model is, and suggests a question', (remembers, sees) => {
  const origin = { is: 'runs/sft-1: fine-tuned on a.jsonl.', question: 'What is\u001b[2J it?' }
  greet(new Output({}), origin, { remembers })
  expect(written.out).toContain(`runs/sft-1: fine-tuned on a.jsonl.\n${sees}`)
  expect(written.out).toContain('Try: What is␛[2J it?\n')
  expect(written.out).not.toMatch(/R1-Zero model/)
})

test('a reply is streamed without its control characters', async () => {
  const fake = fakeTextModel(() => ({ answer: ['a\u001b[', '2Jb\ud83d', '\u0007'] }))
  await replyTo('?', new Output({}), new ChatSession({ model: fake, sampling }))
  expect(written.out).toBe('a␛[2Jb\ufffd␇\n')
})

describe('one question', () => {
  const thinking = (answer: string[] = ['b'], reason: 'stop' | 'length' = 'stop') =>
    fakeTextModel(() => ({ thinking: ['a', '\n'], answer, reason }))
  const once = (fake: TextModel, output = {}) =>
    answerOnce('?', new Output(output), new ChatSession({ model: fake, sampling }))

  test('in a pipe, standard output gets only the answer', async () => {
    terminal(false)
    expect(await once(thinking())).toBe(0)
    expect(written.out).toBe('b\n')
  })

  test('quiet, there is only the answer', async () => {
    terminal(false)
    expect(await once(thinking(), { quiet: true })).toBe(0)
    expect([written.out, written.err]).toEqual(['b\n', ''])
  })

  test('without an answer, nothing is printed as one, and the exit code is 1', async () => {
    terminal(false)
    expect(await once(thinking([], 'length'))).toBe(1)
    expect(written.out).toBe('')
    expect(written.err).toContain('no answer: the reply was cut off at its longest length (--max-tokens)\n')
  })

  test('as an object', async () => {
    expect(await once(thinking(), { json: true })).toBe(0)
    expect(JSON.parse(written.out)).toMatchObject({
      type: 'result',
      thinking: 'a',
      answer: 'b',
      reason: 'stop',
      usage: { completionTokens: 3, thinkingTokens: 2 },
      statistics: { thinking: { tokens: 2 }, answer: { tokens: 1 } },
    })
  })

  test('interrupted, the exit code is 130', async () => {
    terminal(false)
    const fake = fakeTextModel(() => ({ answer: ['half', 'rest'] }), {
      wait: async () => {
        if (written.out.includes('half')) process.emit('SIGINT')
      },
    })
    expect(await once(fake)).toBe(130)
    expect(written.out).toBe('half\n')
  })
})

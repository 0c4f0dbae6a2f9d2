import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PromptTooLong, UserError } from '../../common/errors.ts'
import type { Engine, Sampler } from '../../engines/contract.ts'
import { openEngine } from '../../engines/open.ts'
import { Renderer } from '../../renderer/renderer.ts'
import { changedMiniature } from '../../testing/changed-miniature.ts'
import { collect } from '../../thinking/collect.ts'
import type { TextEvent, TextModel, TextRequest } from '../../thinking/model.ts'
import { r1ZeroPrompt } from '../../thinking/r1/template.ts'
import { localTextModel } from './text-model.ts'

const folder = fileURLToPath(new URL('../../../models/miniature-base', import.meta.url))
const renderer = Renderer.load(folder)
const ask = (content: string, more: Partial<TextRequest> = {}): TextRequest => ({
  messages: [{ role: 'user', content }],
  seed: 7,
  ...more,
})

async function all(events: AsyncIterable<TextEvent>): Promise<TextEvent[]> {
  const read: TextEvent[] = []
  for await (const event of events) read.push(event)
  return read
}

describe('the miniature', () => {
  let engine: Engine
  let sampler: Sampler
  let model: TextModel
  beforeAll(async () => {
    engine = await openEngine({ model: folder, threads: 1 })
    sampler = await engine.sampler(engine.base)
    model = localTextModel(sampler, { name: 'mini', renderer, maxPositions: 1024, identity: 'w' })
  })
  afterAll(() => engine.close())

  test('gives the tokens that the sampler gives for the same seed', async () => {
    const question = 'What is 17 + 25?'
    const { tokens } = renderer.prompt({ prompt: question })
    const [direct] = await sampler.sample(tokens, {
      n: 1,
      maxTokens: 60,
      temperature: 1,
      seed: 7,
      stopTokens: renderer.stopTokens,
    })
    const { end, thinking } = await collect(model.respond(ask(question, { maxTokens: 60 })))
    const ended = direct!.stopReason === 'stop'
    expect(end).toMatchObject({
      reason: direct!.stopReason,
      tokens: ended ? direct!.tokens.subarray(0, -1) : direct!.tokens,
      usage: { promptTokens: tokens.length, completionTokens: direct!.tokens.length },
      text: renderer.response(direct!.tokens),
    })
    expect(thinking).not.toBeNull()
  })

  test('continues a response from any of its tokens as if it had not been interrupted', async () => {
    const request = ask('Compute 3*4+5.', { temperature: 0, maxTokens: 60 })
    const whole = await collect(model.respond(request))
    const tokens = whole.end.tokens!
    for (let cut = 0; cut < tokens.length; cut += 3) {
      const { end } = await collect(model.respond({ ...request, prefix: [tokens.subarray(0, cut)] }))
      expect([...tokens.subarray(0, cut), ...end.tokens!]).toEqual([...tokens])
    }
  })

  test('many requests may share a signal, without a warning of Node', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error) => void warnings.push(warning)
    process.on('warning', onWarning)
    const { signal } = new AbortController()
    await Promise.all(
      Array.from({ length: 16 }, (_, sample) =>
        collect(model.respond(ask('1+2?', { maxTokens: 2, sample, signal }))),
      ),
    )
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
  })
})

/** A sampler that writes `response`, and notes what it is asked. */
function scripted(of: Renderer, response: string, stopReason: 'stop' | 'length' = 'stop') {
  const asked: string[] = []
  const sampler: Sampler = {
    async sample(prompt, { onToken }) {
      asked.push(of.decode(prompt))
      const tokens = Int32Array.of(...of.encode(response), ...(stopReason === 'stop' ? [of.endOfText] : []))
      for (const token of tokens) onToken?.(0, token)
      const logprobs = new Float32Array(tokens.length)
      return [{ tokens, logprobs, samplingLogprobs: logprobs, stopReason }]
    },
    close: async () => {},
  }
  return {
    asked,
    model: localTextModel(sampler, { name: 'mini', renderer: of, maxPositions: 1024, identity: 'w' }),
  }
}

test('R1-Zero’s template shows the last question, with the system message in front', async () => {
  const { asked, model } = scripted(renderer, ' <think>a</think><answer>3</answer>')
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: '1+1?' },
    { role: 'assistant', content: '2' },
    { role: 'user', content: '1+2?' },
  ]
  expect(model.can).toMatchObject({ remembers: false, tools: false })
  const { thinking, answer } = await collect(model.respond({ messages, seed: 0 }))
  expect({ thinking, answer }).toEqual({ thinking: 'a', answer: '3' })
  expect(asked).toEqual([r1ZeroPrompt('Be brief.\n\n1+2?')])
})

test.each<[string, Partial<TextRequest>, RegExp]>([
  ['no messages', { messages: [] }, /no messages/],
  ['the assistant’s last', { messages: [{ role: 'assistant', content: 'a' }] }, /assistant's/],
  ['tools', { tools: [{ type: 'function', function: { name: 'f' } }] }, /no place for tools/],
  ['an argument', { templateArguments: { enable_thinking: true } }, /no argument "enable_thinking"/],
  ['no thinking', { thinking: false }, /no argument that turns thinking off/],
  ['an empty prompt', { prompt: '' }, /the prompt is empty/],
])('refused: %s', async (_, given, message) => {
  const { model } = scripted(renderer, '3')
  const responded = all(model.respond(ask('1+2?', given)))
  await expect(responded).rejects.toThrow(message)
  await expect(responded).rejects.toBeInstanceOf(UserError)
})

test('a prompt that fills the context', async () => {
  const { model } = scripted(renderer, '3')
  await expect(all(model.respond(ask('1'.repeat(2000))))).rejects.toBeInstanceOf(PromptTooLong)
})

test('the stop string before which a response ended, and the length of a prompt', async () => {
  const { model } = scripted(renderer, ' <think>a</think><answer>3</answer>')
  const { end } = await collect(model.respond(ask('1+2?', { stop: ['nothing', '<answer>'] })))
  expect(end.stop).toBe('<answer>')
  expect((await collect(model.respond(ask('1+2?', { stop: ['nothing'] })))).end.stop).toBeNull()
  expect(await model.countPrompt!({ messages: ask('1+2?').messages })).toBe(end.usage.promptTokens)
})

describe('the miniature, with other requests', () => {
  let model: TextModel
  let sampler: Sampler
  let engine: Engine
  beforeAll(async () => {
    engine = await openEngine({ model: folder, threads: 1 })
    sampler = await engine.sampler(engine.base, { schedule: 'continuous' })
    model = localTextModel(sampler, { name: 'mini', renderer, maxPositions: 1024, identity: 'w' })
  })
  afterAll(() => engine.close())
  const question = 'What is 17 + 25?'

  test('each sample has the tokens that the sampler gives among several', async () => {
    const batch = await engine.sampler(engine.base)
    const { tokens } = renderer.prompt({ prompt: question })
    const direct = await batch.sample(tokens, {
      n: 4,
      maxTokens: 60,
      temperature: 1,
      seed: 7,
      stopTokens: renderer.stopTokens,
    })
    const responses = await Promise.all(
      direct.map((_, sample) => collect(model.respond(ask(question, { maxTokens: 60, sample })))),
    )
    expect(responses.map(({ end }) => end.text)).toEqual(direct.map((one) => renderer.response(one.tokens)))
  })

  test('log-probabilities are those of the tokens that each piece received', async () => {
    const request = ask(question, { temperature: 0, maxTokens: 40, logprobs: 2 })
    const events = await all(model.respond(request))
    const [direct] = await sampler.sample(renderer.prompt({ prompt: question }).tokens, {
      n: 1,
      maxTokens: 40,
      temperature: 0,
      seed: 0,
      stopTokens: renderer.stopTokens,
    })
    const pieces = events.flatMap((event) => ('logprobs' in event ? [event] : []))
    for (const { tokens, logprobs } of pieces) expect(logprobs).toHaveLength(tokens!)
    const logprobs = pieces.flatMap((piece) => piece.logprobs!)
    expect(Float32Array.from(logprobs, ({ logprob }) => logprob)).toEqual(
      direct!.logprobs.subarray(0, logprobs.length),
    )
    for (const { token, logprob, top } of logprobs) {
      expect(top).toHaveLength(2)
      expect(top[0]).toEqual({ token, logprob })
      expect(top[1]!.logprob).toBeLessThanOrEqual(logprob)
    }
    expect(await all(model.respond({ ...request, logprobs: null }))).toSatisfy((plain: TextEvent[]) =>
      plain.every((event) => !('logprobs' in event)),
    )
  })

  test('an abort ends a response at once, and so does leaving it', async () => {
    const controller = new AbortController()
    let seen = 0
    const responded = (async () => {
      for await (const _ of model.respond(
        ask(question, { maxTokens: 900, signal: controller.signal, stop: ['never'] }),
      ))
        if (++seen === 3) controller.abort(new Error('gone'))
    })()
    await expect(responded).rejects.toThrow('gone')
    expect(seen).toBe(3)
    for await (const _ of model.respond(ask(question, { maxTokens: 900 }))) break
    await expect(all(model.respond(ask(question, { signal: controller.signal })))).rejects.toThrow('gone')
  })

  test('counts its prompt', async () => {
    const { tokens } = renderer.prompt({ prompt: question })
    const { seed: _, ...request } = ask(question)
    expect(await model.countPrompt!(request)).toBe(tokens.length)
    expect(await model.countPrompt!({ ...request, prefix: [Int32Array.of(1, 2)] })).toBe(tokens.length + 2)
  })

  test('the longest response ends with the context', async () => {
    const room = localTextModel(sampler, { name: 'm', renderer, maxPositions: 100, identity: 'w' })
    const prompt = renderer.prompt({ prompt: question }).tokens.length
    const { end } = await collect(room.respond(ask(question, { maxTokens: 50, temperature: 0 })))
    expect(end).toMatchObject({ reason: 'length', usage: { completionTokens: 100 - prompt } })
  })
})

describe('stop strings', () => {
  const response = ' <think>one two</think><answer>three four</answer>'

  test.each<[string[], string, string | null, string | null, string | null]>([
    [['four'], ' <think>one two</think><answer>three ', 'one two', 'three', 'four'],
    [['e f', 'four'], ' <think>one two</think><answer>thre', 'one two', 'thre', 'e f'],
    [['two'], ' <think>one ', 'one', null, 'two'],
    [['</think>'], ' <think>one two', 'one two', null, '</think>'],
    [['<answer>'], ' <think>one two</think>', 'one two', '', '<answer>'],
    [['five', 'fourteen'], response, 'one two', 'three four', null],
    [[''], response, 'one two', 'three four', null],
  ])('%j', async (stop, text, thinking, answer, found) => {
    const { model } = scripted(renderer, response)
    const read = await collect(model.respond(ask('?', { stop })))
    expect(read.end).toMatchObject({ text, stop: found })
    expect([read.thinking, read.answer ?? '']).toEqual([thinking, answer ?? ''])
  })

  test('the tokens are those before the stop string, or unknown if it begins inside a token', async () => {
    const tokens = renderer.encode(response)
    const texts = [...tokens].map((token) => renderer.decode([token]))
    for (const [i, text] of texts.entries()) {
      const { model } = scripted(renderer, response)
      const stop = texts.slice(i, i + 3).join('')
      if (response.indexOf(stop) !== texts.slice(0, i).join('').length) continue
      const { end } = await collect(model.respond(ask('?', { stop: [stop] })))
      expect(end.tokens).toEqual(tokens.subarray(0, i))
      if (text.length < 2) continue
      const inside = await collect(
        scripted(renderer, response).model.respond(ask('?', { stop: [stop.slice(1)] })),
      )
      if (response.indexOf(stop.slice(1)) > texts.slice(0, i).join('').length)
        expect(inside.end.tokens).toBeNull()
    }
  })
})

describe('a chat template', () => {
  const root = mkdtempSync(join(tmpdir(), 'ruminate-text-model-'))
  afterAll(() => rmSync(root, { recursive: true }))
  const LINES = '{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}'
  const rendererOf = (template: string): Renderer =>
    Renderer.load(changedMiniature(mkdtempSync(join(root, 'model-')), { template }).folder, {
      template: 'chat',
    })
  const OPENING = `${LINES}{% if add_generation_prompt %}[assistant]<think>\n{% endif %}`
  const SWITCH = `${LINES}{% if add_generation_prompt %}[assistant]{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}`

  test('that opens the thinking: the response begins inside it, also if its beginning repeats the delimiter', async () => {
    const opening = rendererOf(OPENING)
    const { model, asked } = scripted(opening, 'a</think>3')
    expect(await collect(model.respond(ask('?')))).toMatchObject({ thinking: 'a', answer: '3' })
    for (const prefix of ['b', '<think>b', '<think>\nb', ' <think>\nb'])
      expect(await collect(model.respond(ask('?', { prefix: [prefix] })))).toMatchObject({
        thinking: 'a',
        answer: '3',
      })
    await collect(model.respond(ask('?', { prefix: ['<think>\n</think>\n\n'] })))
    expect(asked.slice(1)).toEqual([
      ...Array(4).fill('[user]?[assistant]<think>\nb'),
      '[user]?[assistant]<think>\n</think>\n\n',
    ])
  })

  test('with a switch for thinking, which is found by its name', async () => {
    const { model, asked } = scripted(rendererOf(SWITCH), '3')
    expect(model.can.switchThinking).toBe(true)
    for (const more of [
      {},
      { thinking: true },
      { thinking: false },
      { effort: 'none' },
      { templateArguments: { enable_thinking: false } },
    ])
      await collect(model.respond(ask('?', more)))
    const [on, off] = ['[user]?[assistant]', '[user]?[assistant]<think>\n\n</think>\n\n']
    expect(asked).toEqual([on, on, off, off, off])
    await expect(all(model.respond(ask('?', { effort: 'low' })))).rejects.toThrow('budget of thinking tokens')
  })

  test('with an argument for the effort', async () => {
    const { model, asked } = scripted(rendererOf(`${LINES}{{ reasoning_effort }}`), '3')
    await collect(model.respond(ask('?', { effort: 'high' })))
    expect(asked).toEqual(['[user]?high'])
  })

  test('sees the whole conversation; a raw prompt is continued as it stands', async () => {
    const { model, asked } = scripted(rendererOf(LINES), '3')
    expect(model.can.remembers).toBe(true)
    const messages = ['user', 'assistant', 'user'].map((role, i) => ({ role, content: `${i}` }))
    await collect(model.respond({ messages, seed: 0 }))
    await collect(model.respond(ask('?', { prompt: 'Once <think>' })))
    expect(asked).toEqual(['[user]0[assistant]1[user]2', 'Once <think>'])
  })

  test.each<[string, string, string]>([
    [
      'hermes',
      '<tool_call>\n{"name": "{{ f.name }}", "arguments": {{ f.arguments | tojson }}}\n</tool_call>',
      '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>',
    ],
    [
      'llama',
      '{"name": "{{ f.name }}", "parameters": {{ f.arguments | tojson }}}',
      '{"name": "add", "parameters": {"a": 1}}',
    ],
    [
      'mistral',
      '[TOOL_CALLS] [{"name": "{{ f.name }}", "arguments": {{ f.arguments | tojson }}}]',
      '[TOOL_CALLS] [{"name": "add", "arguments": {"a": 1}}]',
    ],
  ])('with tools, in the form of %s', async (_, call, response) => {
    const template = `{% if tools %}Tools: {{ tools | tojson }}{% endif %}{% for m in messages %}[{{ m.role }}]{% if m.tool_calls %}{% for c in m.tool_calls %}{% set f = c.function %}${call}{% endfor %}{% else %}{{ m.content }}{% endif %}<|im_end|>{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}`
    const tools = [
      {
        type: 'function',
        function: { name: 'add', parameters: { type: 'object', properties: { a: { type: 'integer' } } } },
      },
    ]
    const { model, asked } = scripted(rendererOf(template), response)
    expect(model.can.tools).toBe(true)
    const { answer, toolCalls, end } = await collect(model.respond(ask('?', { tools })))
    expect(asked[0]).toContain('"add"')
    expect(answer).toBeNull()
    expect(toolCalls).toMatchObject([
      { name: 'add', arguments: { a: 1 }, id: expect.stringMatching(/^\w{9}$/) },
    ])
    expect(end).toMatchObject({ reason: 'tool_calls', text: response })
    // without tools, the same text is an answer
    expect(await collect(model.respond(ask('?')))).toMatchObject({ answer: response, toolCalls: [] })
  })

  test('that has no place for tools', async () => {
    const { model } = scripted(rendererOf(SWITCH), '3')
    expect(model.can.tools).toBe(false)
    const tools = [{ type: 'function', function: { name: 'add' } }]
    await expect(all(model.respond(ask('?', { tools })))).rejects.toThrow('no place for tools')
  })

  test.each<[string, string, string]>([
    ['deepseek', SWITCH, 'deepseek'],
    ['magistral', `{{ "[THINK]" }}${LINES}`, 'magistral'],
    ['apriel', `Write [BEGIN FINAL RESPONSE] before the answer.${LINES}`, 'apriel'],
    ['granite', `{% if thinking %}Write "Here is my thought process:" first.{% endif %}${LINES}`, 'granite'],
    [
      'granite-3.3',
      `{% if thinking %}Think between <think></think>, respond between <response></response>.{% endif %}${LINES}`,
      'granite-3.3',
    ],
    [
      'a template that tells of R1-Zero’s tags',
      `Use <think></think> and <answer></answer>.${LINES}`,
      'deepseek',
    ],
  ])('thinking in the format of %s', (_, template, name) => {
    expect(scripted(rendererOf(template), '').model.can.format.name).toBe(name)
  })
})

test('events come as the tokens are sampled', async () => {
  const seen: string[] = []
  const seenAfter: string[] = []
  const tokens = renderer.encode(' <think>ab')
  const sampler: Sampler = {
    async sample(_, { onToken }) {
      for (const token of tokens) {
        onToken!(0, token)
        await new Promise(setImmediate)
        seenAfter.push(seen.join(''))
      }
      const logprobs = new Float32Array(tokens.length)
      return [{ tokens, logprobs, samplingLogprobs: logprobs, stopReason: 'length' }]
    },
    close: async () => {},
  }
  const model = localTextModel(sampler, { name: 'm', renderer, maxPositions: 1024, identity: 'w' })
  for await (const event of model.respond(ask('?'))) if (event.type === 'thinking') seen.push(event.text)
  expect(seenAfter).toEqual(
    Array.from(tokens, (_, i) =>
      renderer
        .decode(tokens.subarray(0, i + 1))
        .replace(/ ?<think>/, '')
        .trim(),
    ),
  )
})

import { expect, test } from 'vitest'
import { dialects } from '../../../serve/dialects/index.ts'
import type { RunningServer } from '../../../serve/serve.ts'
import { captured } from '../../../testing/captured.ts'
import { Output } from '../output.ts'
import { greet } from './greet.ts'

const written = captured()
const server = { url: 'http://127.0.0.1:8642', port: 8642 } as RunningServer
const greeting = {
  server,
  names: ['miniature-base'],
  dialects,
  spec: { kind: 'sample' },
  hasKey: true,
} as const

test('quietly, where the server is and nothing else', () => {
  greet(new Output({ quiet: true }), greeting)
  expect(written.out).toBe('miniature-base is served at http://127.0.0.1:8642\n')
})

test('otherwise, how three kinds of clients reach it', () => {
  greet(new Output({}), greeting)
  expect(written.out).toMatch(/^miniature-base is served at .*OpenAI clients: .*Ollama clients: .*Ctrl-C/s)
})

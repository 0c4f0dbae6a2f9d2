import { Agent, request } from 'node:http'
import { abuse } from './abuse.ts'

/* A process of clients, so that their work is not the server's. */

/** Clients that each send their requests one after the other: greedy conversations of one message, streamed. */
export interface Load {
  readonly url: string
  readonly model: string
  readonly maxTokens: number
  /** Does a client keep its connection? llama.cpp's server closes some that are kept, and their next request is lost. */
  readonly keepAlive?: boolean
  /** One list per client. */
  readonly prompts: readonly (readonly string[])[]
}

/** What came of one request. Times are in seconds. */
export interface Answer {
  readonly prompt: string
  /** Thinking and answer; null if the request failed. */
  readonly text: string | null
  readonly tokens: number
  readonly toFirst: number
  readonly toLast: number
}

export interface LoadResult {
  readonly seconds: number
  readonly answers: readonly Answer[]
}

async function load({ url, model, maxTokens, keepAlive = true, prompts }: Load): Promise<LoadResult> {
  const agent = new Agent({ keepAlive, maxSockets: prompts.length })
  const since = performance.now()
  const answers = await Promise.all(
    prompts.map(async (mine) => {
      const results: Answer[] = []
      for (const prompt of mine)
        results.push(await ask(`${url}/v1/chat/completions`, agent, { model, maxTokens, prompt }))
      return results
    }),
  )
  agent.destroy()
  return { seconds: (performance.now() - since) / 1000, answers: answers.flat() }
}

interface Asked {
  readonly model: string
  readonly maxTokens: number
  readonly prompt: string
}

interface Chunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string; readonly reasoning_content?: string }
  }[]
  readonly usage?: { readonly completion_tokens: number } | null
}

function ask(url: string, agent: Agent, { model, maxTokens, prompt }: Asked): Promise<Answer> {
  const since = performance.now()
  let [text, tokens, toFirst, rest] = ['', 0, 0, '']
  const read = (data: string): void => {
    const { choices, usage } = JSON.parse(data) as Chunk
    const delta = choices?.[0]?.delta
    const piece = `${delta?.reasoning_content ?? ''}${delta?.content ?? ''}`
    if (piece !== '' && text === '') toFirst = (performance.now() - since) / 1000
    text += piece
    tokens = usage?.completion_tokens ?? tokens
  }
  return new Promise((resolve) => {
    const end = (ok: boolean): void =>
      resolve({ prompt, text: ok ? text : null, tokens, toFirst, toLast: (performance.now() - since) / 1000 })
    const sent = request(
      url,
      { method: 'POST', agent, headers: { 'content-type': 'application/json' } },
      (response) => {
        response.setEncoding('utf8')
        response.on('data', (piece: string) => {
          const events = (rest + piece).split('\n\n')
          rest = events.pop()!
          for (const event of events) if (event.startsWith('data: {')) read(event.slice('data: '.length))
        })
        response.on('end', () => end(response.statusCode === 200 && tokens > 0))
        response.on('error', () => end(false))
      },
    )
    sent.on('error', () => end(false))
    sent.end(
      JSON.stringify({
        model,
        messages: [{ role: 'user', content: prompt }],
        max_tokens: maxTokens,
        temperature: 0,
        stream: true,
        stream_options: { include_usage: true },
      }),
    )
  })
}

process.on('message', async ({ load: asked, abuse: url }: { load?: Load; abuse?: string }) => {
  if (asked) process.send!(await load(asked))
  if (url) await abuse(url, (line) => process.send!(line))
})

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '../../src/common/errors.ts'
import { openLocalTextModel } from '../../src/providers/local/text-model.ts'
import { dialects } from '../../src/serve/dialects/index.ts'
import { openResponder } from '../../src/serve/respond/responder.ts'
import { serve as startServer } from '../../src/serve/serve.ts'
import { median, THREADS } from '../compare.ts'
import { Peer } from '../peer.ts'
import type { Answer, Load, LoadResult } from './clients.ts'

const MINIATURE = fileURLToPath(new URL('../../models/miniature-base', import.meta.url))
const [CLIENTS, REQUESTS, MAX_TOKENS, CONTEXT] = [64, 20, 64, 512]

/**
 * The server under load: 64 clients with the miniature, whose answers must be those to the same requests alone; 16 clients
 * beside others that misuse the server; and, with a model and the same weights as a GGUF file in F32, beside llama.cpp.
 *
 * @throws Error if an answer is lost, or is not the one to its request.
 */
export async function serving({
  model,
  gguf,
}: {
  model?: string | undefined
  gguf?: string | undefined
}): Promise<void> {
  if ((model === undefined) !== (gguf === undefined))
    throw new UserError('serve compares with llama.cpp if it has both: --model FOLDER --gguf FILE', 2)
  const clients = await Clients.start()
  try {
    await manyClients(clients)
    if (model !== undefined && gguf !== undefined) await besideLlamaCpp(clients, model, gguf)
  } finally {
    clients.stop()
  }
}

async function manyClients(clients: Clients): Promise<void> {
  console.log(`\nserve\n  miniature-base, greedy, at most ${MAX_TOKENS} tokens, ${THREADS} threads`)
  const server = await serverOf(MINIATURE)
  try {
    const load = { url: server.url, model: 'bench', maxTokens: MAX_TOKENS }
    const prompts = Array.from({ length: CLIENTS }, (_, client) =>
      Array.from({ length: REQUESTS }, (_, i) => `Compute ${client + 7}*${(i % 7) + 2}+${5 * i + 11}-3.`),
    )
    const some = prompts.map((mine) => mine.slice(0, 2))
    await clients.load({ ...load, prompts: some })
    const alone = await clients.load({ ...load, prompts: [some.flat()] })
    const together = await clients.load({ ...load, prompts })
    check(together, alone, CLIENTS * REQUESTS)
    report('1 client', alone)
    report(`${CLIENTS} clients × ${REQUESTS}`, together)
    console.log(`  ${(rate(together) / rate(alone)).toFixed(1)} × the throughput of one client`)

    const good = { ...load, prompts: prompts.slice(0, 16) }
    report('16 clients', await clients.load(good))
    const abuser = await Clients.start()
    await abuser.send({ abuse: server.url })
    const disturbed = await clients.load(good)
    abuser.stop()
    check(disturbed, together, 16 * REQUESTS)
    report('16 clients, others misuse the server', disturbed)
  } finally {
    await server.stop()
  }
}

async function besideLlamaCpp(clients: Clients, folder: string, gguf: string): Promise<void> {
  const many = 16
  console.log(
    `\nserve ${basename(folder)}\n  ${many} clients × 2, greedy, at most ${MAX_TOKENS} tokens, ${THREADS} threads each`,
  )
  const prompts = Array.from({ length: many }, (_, client) => [
    `Write two sentences about the number ${client + 2}.`,
    `What can one do with ${client + 2} apples?`,
  ])
  const peer = await Peer.start('serve.py', { gguf, clients: many, context: CONTEXT, threads: THREADS })
  const server = await serverOf(folder)
  try {
    const load = { model: 'bench', maxTokens: MAX_TOKENS, keepAlive: false, prompts }
    const [ours, theirs]: [LoadResult[], LoadResult[]] = [[], []]
    for (let i = 0; i <= 2; i++) {
      const our = await clients.load({ ...load, url: server.url })
      const their = typeof peer === 'string' ? null : await clients.load({ ...load, url: peer.url! })
      if (i === 0) continue // to warm up
      ours.push(our)
      if (their) theirs.push(their)
    }
    report('Ruminate', ours.at(-1)!)
    if (typeof peer === 'string') return console.log(`  ${peer}`)
    report(peer.title, theirs.at(-1)!)
    for (const { answers } of [...ours, ...theirs])
      if (answers.some(({ text }) => text === null))
        throw new Error('an answer was lost: the rates cannot be compared')
    const ratios = ours.map((our, i) => rate(our) / rate(theirs[i]!))
    console.log(`  ${median(ratios).toFixed(2)} × the throughput of llama.cpp`)
    const theirTexts = new Map(theirs.at(-1)!.answers.map(({ prompt, text }) => [prompt, text?.trim()]))
    const equal = ours
      .at(-1)!
      .answers.filter(({ prompt, text }) => theirTexts.get(prompt) === text?.trim()).length
    console.log(`  ${equal} of ${many * 2} answers are the same on both sides`)
  } finally {
    if (typeof peer !== 'string') peer.close()
    await server.stop()
  }
}

/** A process of clients: see `clients.ts`. */
class Clients {
  readonly #process: ChildProcess
  private constructor(process: ChildProcess) {
    this.#process = process
  }

  static async start(): Promise<Clients> {
    const child = fork(new URL('clients.ts', import.meta.url), { execArgv: ['--import', 'tsx'] })
    await once(child, 'spawn')
    return new Clients(child)
  }

  async load(load: Load): Promise<LoadResult> {
    return (await this.send({ load })) as LoadResult
  }

  async send(message: object): Promise<unknown> {
    this.#process.send(message)
    const [answer] = await once(this.#process, 'message')
    return answer
  }

  stop(): void {
    this.#process.kill()
  }
}

async function serverOf(folder: string): Promise<{ url: string; stop(): Promise<void> }> {
  const model = await openLocalTextModel({ model: folder, threads: THREADS, schedule: 'continuous' })
  const responder = await openResponder(model)
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    responder,
    served: {
      names: ['bench'],
      anyName: false,
      created: 0,
      identity: model.identity,
      countPrompt: null,
      can: { ...model.can, budget: true },
    },
    dialects,
    access: { keys: [], hosts: [], origins: [] },
    log: { request: () => {}, failure: (error) => console.error(error) },
  })
  return {
    url: server.url,
    async stop() {
      await server.stop()
      await responder.close()
      await model.close()
    },
  }
}

/** Every request has its answer, and those of `reference` have the same. */
function check({ answers }: LoadResult, reference: LoadResult, count: number): void {
  const lost = count - answers.filter(({ text }) => text !== null).length
  if (lost > 0) throw new Error(`${lost} of ${count} answers are lost`)
  const expected = new Map(reference.answers.map(({ prompt, text }) => [prompt, text]))
  const mixed = answers.filter(({ prompt, text }) => expected.has(prompt) && expected.get(prompt) !== text)
  if (mixed.length > 0)
    throw new Error(
      `${mixed.length} answers are not those to the same requests, such as: ${mixed[0]!.prompt}`,
    )
}

const rate = ({ answers, seconds }: LoadResult): number =>
  answers.reduce((sum, { tokens }) => sum + tokens, 0) / seconds

function report(name: string, result: LoadResult): void {
  const at = (share: number, of: (answer: Answer) => number): string => {
    const sorted = result.answers.map(of).sort((a, b) => a - b)
    return `${(1000 * sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!).toFixed(0)} ms`
  }
  const times = (of: (answer: Answer) => number): string => `${at(0.5, of)} (p99 ${at(0.99, of)})`
  console.log(
    `  ${name}: ${rate(result).toFixed(0)} tokens/s; first token ${times(({ toFirst }) => toFirst)}, answer ${times(({ toLast }) => toLast)}`,
  )
}

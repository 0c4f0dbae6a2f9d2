import { connect, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'

/**
 * Clients that a server must not suffer from, all at once, until the process is ended: 1,000 idle connections, 4 that ask
 * and never read, and others that over and over leave after the first bytes, send a body of 100 MB, a prompt of a million
 * tokens, or what is no JSON. `tell` is called once all have begun.
 */
export async function abuse(url: string, tell: (line: string) => void): Promise<void> {
  const { hostname, port } = new URL(url)
  const open = async (bytes: string): Promise<Socket> => {
    const socket = connect({ host: hostname, port: Number(port) })
    socket.on('error', () => {})
    await new Promise((resolve) => socket.once('connect', resolve).once('error', resolve))
    socket.write(bytes)
    return socket
  }
  const head = (length: number): string =>
    `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`
  const post = (body: string): string => head(body.length) + body
  const asking = (content: string): string =>
    post(JSON.stringify({ messages: [{ role: 'user', content }], max_tokens: 500, stream: true }))
  const closed = (socket: Socket): Promise<unknown> =>
    new Promise((resolve) => {
      socket.resume()
      socket.once('close', resolve)
      socket.once('data', () => socket.end())
    })

  for (let i = 0; i < 1000; i++) void open('')
  for (let i = 0; i < 4; i++) void open(asking(`Count to ${i}.`)).then((socket) => socket.pause())

  const again = async (once: () => Promise<unknown>): Promise<never> => {
    for (;;) {
      await once()
      await setTimeout(50)
    }
  }
  void again(async () => {
    const socket = await open(asking('What is 1 + 1?'))
    await new Promise((resolve) => socket.once('data', resolve).once('close', resolve))
    socket.destroy()
  })
  const block = 'x'.repeat(2 ** 20)
  void again(async () => {
    const socket = await open(head(100 * 2 ** 20))
    const end = closed(socket)
    for (let i = 0; i < 100 && !socket.destroyed; i++)
      if (!socket.write(block))
        await Promise.race([end, new Promise((resolve) => socket.once('drain', resolve))])
    await end
  })
  const long = asking('word '.repeat(1_000_000))
  void again(async () => closed(await open(long)))
  for (const body of ['{', '[[[[', '{"messages": 3}', '\u0000', `{"messages":${'['.repeat(10_000)}`])
    void again(async () => closed(await open(post(body))))
  await setTimeout(500)
  tell('begun')
}

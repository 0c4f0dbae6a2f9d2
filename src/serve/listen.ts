import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { UserError } from '../common/errors.ts'
import type { Limits } from './limits.ts'

/** Where a server listens. */
export interface Address {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
}

/** A server without its socket. */
export interface HttpApp {
  fetch(request: Request, env?: object): Response | Promise<Response>
  /** The response to what is not even a request that HTTP allows. */
  refuse(): Response
  /** From now on, requests are refused, and streams that have no end of their own are ended. */
  stop(): void
  /** Ends the requests that are being answered. */
  abort(): void
}

/** A server that listens. */
export interface RunningServer {
  /** Such as `http://127.0.0.1:8642`. */
  readonly url: string
  readonly port: number
  /** Stops accepting requests, lets the running ones end for `limits.shutdown`, then ends them. Resolves when all is closed. */
  stop(): Promise<void>
  /** Ends everything at once. */
  abort(): void
}

/** The limits of a server that concern its socket, whatever it serves. */
type SocketLimits = Pick<Limits, 'bodyBytes' | 'headers' | 'request' | 'idle' | 'shutdown'>

/**
 * Listens on a socket.
 *
 * @throws UserError if the port is in use, or the address is not one of this machine.
 */
export async function listen(
  app: HttpApp,
  { host, port }: Address,
  limits: SocketLimits,
): Promise<RunningServer> {
  const listener = getRequestListener((request, env) => app.fetch(request, env as object), {
    hostname: host,
    overrideGlobalObjects: false,
    errorHandler: () => app.refuse(),
  })
  const server = createServer(
    {
      headersTimeout: limits.headers,
      requestTimeout: limits.request,
      keepAliveTimeout: limits.idle,
      connectionsCheckingInterval: Math.min(limits.headers, 5_000),
      noDelay: true,
    },
    listener,
  )
  // without this, a client that announces a body that is too long is told to send it
  server.on('checkContinue', (request, response) => {
    if (!(Number(request.headers['content-length']) > limits.bodyBytes)) response.writeContinue()
    server.emit('request', request, response)
  })
  /** Responses that were not sent to their end. */
  let pending = 0
  let isStopping = false
  server.on('request', ({ socket }, response) => {
    pending++
    response.once('close', () => {
      pending--
    })
    // it would be kept for another request
    response.once('finish', () => {
      if (isStopping) socket.end()
    })
  })
  await listenOn(server, { host, port })
  const { port: given } = server.address() as AddressInfo
  const abort = (): void => {
    app.abort()
    server.closeAllConnections()
  }
  return {
    url: `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${given}`,
    port: given,
    async stop() {
      app.stop()
      isStopping = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      const ended = async (milliseconds: number): Promise<void> => {
        const end = performance.now() + milliseconds
        while (pending > 0 && performance.now() < end) await wait(20)
      }
      await ended(limits.shutdown)
      app.abort()
      await ended(LAST_WORDS)
      server.closeAllConnections()
      await closed
    },
    abort,
  }
}

/** Milliseconds for the errors with which streams end. */
const LAST_WORDS = 500

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))

/**
 * Checks that a server could listen there.
 *
 * @throws UserError as `listen` does.
 */
export async function checkFree(address: Address): Promise<void> {
  const server = createServer()
  await listenOn(server, address)
  await new Promise((resolve) => server.close(resolve))
}

function listenOn(server: Server, { host, port }: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explained(error, host, port)))
    server.listen({ host: host.replace(/^\[(.*)\]$/, '$1'), port }, () => resolve())
  })
}

function explained(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new UserError(
        `port ${port} is in use: stop the program that listens on it, or give another port (--port 0 takes a free one)`,
      )
    case 'EACCES':
      return new UserError(`port ${port} is reserved for the system: give one above 1023`)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new UserError(`--host ${host} is not an address of this machine`, 2)
    default:
      return error
  }
}

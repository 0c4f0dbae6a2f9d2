import { API } from '../../tinker/protocol/index.ts'
import { type Sent, TinkerStandIn } from './tinker-stand-in.ts'

/** For tests: passes requests on to a server, which may be exchanged, unless `next` says what a request gets instead. */
export class TinkerProxy extends TinkerStandIn {
  /** The address of the server. */
  target: string

  constructor(target: string) {
    super()
    this.target = target
  }

  static async open(target: string): Promise<TinkerProxy> {
    const proxy = new TinkerProxy(target)
    await proxy.listen(0)
    return proxy
  }

  override async usually({
    path,
    method,
    headers,
    bytes,
  }: Parameters<TinkerStandIn['usually']>[0]): Promise<Sent> {
    const type = headers['content-type']
    try {
      const response = await fetch(`${this.target}${API}${path}`, {
        method,
        headers: {
          accept: headers.accept ?? '*/*',
          'x-api-key': String(headers['x-api-key']),
          ...(type && { 'content-type': type }),
        },
        ...(bytes.length > 0 && { body: new Uint8Array(bytes) }),
      })
      return {
        status: response.status,
        bytes: new Uint8Array(await response.arrayBuffer()),
        headers: { 'content-type': response.headers.get('content-type') ?? 'application/json' },
      }
    } catch {
      return 'drop'
    }
  }
}

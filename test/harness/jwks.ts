// A key set on the network, as identity providers serve it: it can be slow, broken, away, and change its keys.
import type { JWK } from 'jose'
import { startOutageServer } from './outage-server.ts'

/** A running server of a key set. */
export interface JwksServer extends AsyncDisposable {
  readonly url: string
  /** Requests so far. */
  readonly requests: number
  /** What it serves; may be changed at any time. */
  keys: JWK[]
  /** The answer's status; 200 at first, null for no answer at all. */
  status: number | null
  /** Ends it, so that connections are refused. */
  stop(): Promise<void>
  /** Begins again at the same address. */
  start(): Promise<void>
}

/** Starts a server with these keys. */
export async function startJwks(keys: JWK[]): Promise<JwksServer> {
  let requests = 0
  const server = await startOutageServer((_, response) => {
    requests++
    if (jwks.status === null) return
    response.writeHead(jwks.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ keys: jwks.keys }))
  })
  const jwks: JwksServer = {
    url: `http://127.0.0.1:${server.port}/jwks.json`,
    get requests() {
      return requests
    },
    keys,
    status: 200,
    start: server.start,
    stop: server.stop,
    [Symbol.asyncDispose]: server.stop,
  }
  return jwks
}

// A key set on the network, as identity providers serve it: it can be slow, broken, away, and change its keys.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JWK } from 'jose'

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
  let server: Server | null = null
  let port = 0
  const jwks: JwksServer = {
    get url() {
      return `http://127.0.0.1:${port}/jwks.json`
    },
    get requests() {
      return requests
    },
    keys,
    status: 200,
    async start() {
      server = createServer((_, response) => {
        requests++
        if (jwks.status === null) return
        response.writeHead(jwks.status, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ keys: jwks.keys }))
      })
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      port = (server.address() as AddressInfo).port
    },
    async stop() {
      if (server === null) return
      const closing = once(server.close(), 'close')
      server.closeAllConnections()
      server = null
      await closing
    },
    [Symbol.asyncDispose]: () => jwks.stop(),
  }
  await jwks.start()
  return jwks
}

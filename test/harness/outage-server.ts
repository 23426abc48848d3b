// An HTTP server of a test that can go away and come back at its address. Knows nothing of what it serves.
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server that a test stops and starts. */
export interface OutageServer {
  /** The same from the first start on. */
  readonly port: number
  /** Begins, again at the same address. */
  start(): Promise<void>
  /** Ends it, so that connections are refused. */
  stop(): Promise<void>
}

/** Starts a server on loopback, at a free port. */
export async function startOutageServer(listener: RequestListener): Promise<OutageServer> {
  let server: Server | null = null
  let port = 0
  const outage: OutageServer = {
    get port() {
      return port
    },
    async start() {
      server = createServer(listener)
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
  }
  await outage.start()
  return outage
}

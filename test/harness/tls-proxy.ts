// A proxy that ends TLS in front of a gateway, as operators put one there: it speaks TLS to clients, plain TCP to the gateway, and writes into the
// first request who the client was. It knows nothing of WebSocket.
import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { createServer } from 'node:tls'
import type { Certificate } from './certificates.ts'

/** A proxy that a test controls. */
export interface TlsProxy extends AsyncDisposable {
  /** `wss://localhost:…/ws` */
  readonly url: string
}

/** Starts a proxy. @param clientAddress - what it says of every client */
export async function startTlsProxy(
  target: { readonly port: number },
  certificate: Certificate,
  clientAddress: string,
): Promise<TlsProxy> {
  const open = new Set<Socket>()
  const server = createServer({ ...certificate, minVersion: 'TLSv1.2' }, (client) => {
    const gateway = connect({ host: '127.0.0.1', port: target.port, noDelay: true })
    for (const [from, to] of [
      [client, gateway],
      [gateway, client],
    ] as const) {
      open.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        open.delete(from)
        to.destroySoon()
      })
    }
    gateway.pipe(client)
    // The head of a request comes in one piece here: the header goes behind its first line.
    client.once('data', (head: Buffer) => {
      const text = head.toString('latin1')
      const forwarded = `\r\nX-Forwarded-For: ${clientAddress}\r\nX-Forwarded-Proto: https\r\n`
      gateway.write(text.replace('\r\n', forwarded), 'latin1')
      client.pipe(gateway)
    })
  })
  server.on('tlsClientError', () => undefined)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `wss://localhost:${(server.address() as AddressInfo).port}/ws`,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await once(server.close(), 'close')
    },
  }
}

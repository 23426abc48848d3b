// A stretch of wire between a client and a nats-server that a test can look at and cut: it counts pings and passes all bytes on
// as they are. It knows nothing else of the protocol.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A proxy that a test controls. */
export interface NatsProxy extends AsyncDisposable {
  /** Where clients connect to. */
  readonly url: string
  /** Pings that clients have sent so far. */
  readonly pings: number
  /** Connections made so far. */
  readonly connections: number
  /** Passes nothing on to clients any more, in connections that are open: the server has fallen silent. */
  silence(): void
  /** Ends every connection as a lost network does. */
  cut(): void
  /** Whether connections are let in; those that come meanwhile end at once. */
  admit(open: boolean): void
}

const PING = 'PING\r\n'

/** Starts a proxy in front of a server. */
export async function startNatsProxy(natsUrl: string): Promise<NatsProxy> {
  const target = new URL(natsUrl)
  const open = new Set<Socket>()
  const upstreams = new Set<Socket>()
  let [pings, connections] = [0, 0]
  let admits = true
  const server = createServer((client) => {
    if (!admits) return void client.destroy()
    connections++
    const upstream = connect({ host: target.hostname, port: Number(target.port), noDelay: true })
    upstreams.add(upstream)
    upstream.on('close', () => upstreams.delete(upstream))
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        open.delete(from)
        to.destroy()
      })
      from.pipe(to)
    }
    client.on('data', (piece: Buffer) => {
      pings += piece.toString('latin1').split(PING).length - 1
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const cut = (): void => {
    for (const socket of open) socket.destroy()
  }
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get pings() {
      return pings
    },
    get connections() {
      return connections
    },
    silence() {
      for (const upstream of upstreams) upstream.unpipe().pause()
    },
    cut,
    admit(open) {
      admits = open
    },
    async [Symbol.asyncDispose]() {
      cut()
      await once(server.close(), 'close')
    },
  }
}

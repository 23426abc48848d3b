// A stretch of wire between a client and a nats-server that loses single messages on their way to the client, as NATS may lose core
// messages while all connections stay up. It reads no more of the protocol than where a message begins and ends.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A sieve that a test controls. */
export interface NatsSieve extends AsyncDisposable {
  /** Where clients connect to. */
  readonly url: string
  /** Messages lost so far. */
  readonly lost: number
  /** Which subjects lose their messages from now on; null for none. */
  lose(isLost: ((subject: string) => boolean) | null): void
  /** Ends every connection as a lost network does. */
  cut(): void
}

const LINE_END = '\r\n'
const NOTHING = Buffer.alloc(0)

/** Starts a sieve in front of a server. */
export async function startNatsSieve(natsUrl: string): Promise<NatsSieve> {
  const target = new URL(natsUrl)
  const open = new Set<Socket>()
  let isLost: ((subject: string) => boolean) | null = null
  let lost = 0

  const passes = (subject: string): boolean => {
    if (isLost === null || !isLost(subject)) return true
    lost++
    return false
  }
  const server = createServer((client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port), noDelay: true })
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
    }
    client.pipe(upstream)
    const sift = createSift(passes)
    upstream.on('data', (piece: Buffer) => {
      for (const part of sift(piece)) client.write(part)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const cut = (): void => {
    for (const socket of open) socket.destroy()
  }
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get lost() {
      return lost
    },
    lose(which) {
      isLost = which
    },
    cut,
    async [Symbol.asyncDispose]() {
      cut()
      await once(server.close(), 'close')
    },
  }
}

/** Takes the server's bytes piece by piece and gives on what passes: whole lines, and messages with their content. */
function createSift(passes: (subject: string) => boolean): (piece: Buffer) => Buffer[] {
  let rest: Buffer = NOTHING
  return (piece) => {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    const passed: Buffer[] = []
    let at = 0
    for (;;) {
      const lineEnd = bytes.indexOf(LINE_END, at)
      if (lineEnd === -1) break
      const [verb, subject = '', ...more] = bytes.toString('latin1', at, lineEnd).split(' ')
      const isMessage = verb === 'MSG' || verb === 'HMSG'
      const end = lineEnd + LINE_END.length + (isMessage ? Number(more.at(-1)) + LINE_END.length : 0)
      if (end > bytes.length) break
      if (!isMessage || passes(subject)) passed.push(bytes.subarray(at, end))
      at = end
    }
    rest = Buffer.from(bytes.subarray(at))
    return passed
  }
}

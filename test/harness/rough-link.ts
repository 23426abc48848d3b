// A stretch of wire between clients and a nats-server with the weather of a bad network: late, slow, dead in one direction, cut, closed. It
// keeps the order of bytes and loses none of a connection that lives: TCP would not either. nats-proxy.ts is the one that counts.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * What becomes of bytes:
 * - `late`: they come after a while, in order;
 * - `slow`: they trickle;
 * - `deaf`: the server hears nothing more of its clients;
 * - `mute`: clients hear nothing more of the server.
 */
export const WEATHERS = ['clear', 'late', 'slow', 'deaf', 'mute'] as const

/** One of {@link WEATHERS}. */
export type Weather = (typeof WEATHERS)[number]

/** A wire that a test controls. */
export interface RoughLink extends AsyncDisposable {
  /** Where clients connect to. */
  readonly url: string
  /** For connections that are open and those that come; what was held back goes on. */
  weather: Weather
  /** Ends every connection as a lost network does. */
  cut(): void
  /** Whether connections are let in; those that come meanwhile end at once. */
  admit(open: boolean): void
}

const TICK_MS = 20
const LATE_MS = 400
/** 25 kB a second: small requests pass, a burst waits. */
const SLOW_TICK_BYTES = 500
/** A sender beyond this is told to wait, as a full buffer would tell it. */
const HELD_BYTES_MAX = 1_048_576

/** Starts it in front of a server, clear. */
export async function startRoughLink(natsUrl: string): Promise<RoughLink> {
  const target = new URL(natsUrl)
  const open = new Set<Socket>()
  const pumps = new Set<() => void>()
  let weather: Weather = 'clear'
  let admits = true
  const server = createServer((client) => {
    if (!admits) return void client.destroy()
    const upstream = connect({ host: target.hostname, port: Number(target.port), noDelay: true })
    client.setNoDelay(true)
    join(client, upstream, () => weather !== 'deaf')
    join(upstream, client, () => weather !== 'mute')
  })

  function join(from: Socket, to: Socket, passes: () => boolean): void {
    const held: { readonly piece: Buffer; readonly dueMs: number }[] = []
    let heldBytes = 0
    const pump = (): void => {
      let budget = weather === 'slow' ? SLOW_TICK_BYTES : Number.POSITIVE_INFINITY
      for (let next = held[0]; next !== undefined && passes() && budget > 0; next = held[0]) {
        if (next.dueMs > performance.now()) break
        const piece = next.piece.subarray(0, budget)
        budget -= piece.length
        heldBytes -= piece.length
        to.write(piece)
        if (piece.length === next.piece.length) held.shift()
        else held[0] = { ...next, piece: next.piece.subarray(piece.length) }
      }
      if (heldBytes < HELD_BYTES_MAX && from.isPaused()) from.resume()
    }
    open.add(from)
    pumps.add(pump)
    from.on('data', (piece: Buffer) => {
      held.push({ piece, dueMs: weather === 'late' ? performance.now() + LATE_MS : (held.at(-1)?.dueMs ?? 0) })
      heldBytes += piece.length
      if (heldBytes >= HELD_BYTES_MAX) from.pause()
      if (weather === 'clear') pump()
    })
    from.on('error', () => to.destroy())
    from.on('close', () => {
      open.delete(from)
      pumps.delete(pump)
      to.destroy()
    })
  }

  const timer = setInterval(() => {
    for (const pump of pumps) pump()
  }, TICK_MS)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const cut = (): void => {
    for (const socket of open) socket.destroy()
  }
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get weather() {
      return weather
    },
    set weather(next) {
      weather = next
    },
    cut,
    admit(opened) {
      admits = opened
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      cut()
      await once(server.close(), 'close')
    },
  }
}

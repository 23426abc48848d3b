// Watches one link for a server that says nothing any more, and leaves it: frozen, or behind a network that drops without a word. The
// judgement is silence.ts's, the next server server-choice.ts's.
import type { Socket } from 'node:net'
import type { NatsConnection } from '@nats-io/transport-node'
import type { ServerChoice } from './server-choice.ts'
import { createSilenceJudge } from './silence.ts'

/** See {@link leaveSilentServers}. */
export interface LeaveSilentOptions {
  readonly choice: ServerChoice
  /** Told before the link goes down. */
  readonly onSilent: (server: string) => void
}

const TICK_MS = 1000

/** Watches until the connection is closed. */
export function leaveSilentServers(connection: NatsConnection, { choice, onSilent }: LeaveSilentOptions): void {
  const judge = createSilenceJudge(TICK_MS)
  let received = 0
  let up = true

  function ask(): void {
    // Rejects when the link breaks, which the status tells.
    connection.flush().then(judge.heard, () => undefined)
  }

  function tick(): void {
    if (!up || connection.isClosed()) return
    const { inMsgs } = connection.stats()
    if (inMsgs !== received) judge.heard()
    received = inMsgs
    const step = judge.tick(hasOthers(connection))
    if (step === 'ask') ask()
    if (step !== 'leave') return
    const server = connection.getServer()
    choice.avoid(server)
    onSilent(server)
    breakOff(connection)
  }

  const timer = setInterval(tick, TICK_MS)
  void connection.closed().then(() => clearInterval(timer))
  void (async () => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') up = false
      if (type !== 'reconnect') continue
      up = true
      judge.heard()
      choice.settled()
    }
  })()
}

/** One address of a cluster may lead to any of its servers. */
function hasOthers(connection: NatsConnection): boolean {
  return connection.getServers().length > 1 || connection.info?.cluster !== undefined
}

/** The library's client, as far as we must reach into it. */
interface Inside {
  readonly protocol?: { readonly transport?: { readonly socket?: Socket } }
}

/**
 * Ends the connection so that the library reconnects. Its own `reconnect` first waits until all that was written has gone out, which it
 * never does once the buffers of a frozen server are full: so the socket is destroyed, and `reconnect` is what is left where a
 * later release keeps the socket elsewhere.
 */
function breakOff(connection: NatsConnection): void {
  const socket = (connection as unknown as Inside).protocol?.transport?.socket
  if (socket === undefined) void connection.reconnect()
  else socket.destroy()
}

// `/echo` of local mode: the server that WebSocket tutorials begin with, so that their clients work unchanged.
import type { WebSocket } from 'ws'

/** What may wait for a client that does not read, in bytes. */
const WAITING_BYTES_MAX = 1024 * 1024

/** Answers each text `…` with `Echo: …`. */
export function echo(peer: WebSocket): void {
  peer.on('message', (message, binary) => {
    if (peer.bufferedAmount > WAITING_BYTES_MAX) peer.terminate()
    else peer.send(binary ? (message as Buffer) : `Echo: ${String(message)}`)
  })
  peer.on('ping', (payload) => peer.pong(payload))
}

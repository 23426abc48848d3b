// The HTTP answer to an upgrade that is not made: status, a word, and the headers of every answer; then the end of the connection. Never says
// anything of what was asked.
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { SAFE_HEADERS } from './safe-headers.ts'

/** Answers an upgrade with an HTTP status and ends the socket. */
export function refuseUpgrade(socket: Duplex, status: number, headers: Readonly<Record<string, string>> = {}): void {
  const reason = STATUS_CODES[status] ?? ''
  const lines = Object.entries({
    Connection: 'close',
    ...headers,
    ...SAFE_HEADERS,
    'Content-Type': 'text/plain',
    'Content-Length': `${Buffer.byteLength(reason)}`,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status} ${reason}\r\n${lines.join('')}\r\n${reason}`)
}

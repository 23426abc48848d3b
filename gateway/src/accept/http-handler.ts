// Plain HTTP on the public port: an upgrade is asked for on the socket's path, everything else is not found.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { SAFE_HEADERS } from './safe-headers.ts'

/** Answers a plain request. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void

/**
 * @param path - where sockets are upgraded
 */
export function createHttpHandler(path: string): HttpHandler {
  return (request, response) => {
    const asked = (request.url ?? '/').split('?', 1)[0]
    if (asked === path) respond(response, 426, 'Upgrade Required', { upgrade: 'websocket' })
    else respond(response, 404, 'Not Found')
  }
}

/** Sends a short text and closes the connection. */
export function respond(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    connection: 'close',
    ...SAFE_HEADERS,
    ...headers,
  })
  response.end(text)
}

// The admin port of a process, apart from any public one: `/livez`, `/readyz`, `/metrics`. Owns no state; whether we are ready is
// decided elsewhere. Bounded like a public port: a scraper gone wrong must not take the process with it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ListenError } from './listen-error.ts'

/** Whether the process wants work, and why not. */
export interface Readiness {
  readonly ready: boolean
  /** Words of the tier's own table; empty while ready. */
  readonly reasons: readonly string[]
}

/** What the admin server needs. */
export interface AdminOptions {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** Which variables say host and port, for the operator who must mend them. */
  readonly setting: string
  /** Asked for each `/readyz`. */
  readiness(): Readiness
  /** One scrape; its failure is answered with 500 and given to {@link AdminOptions.onError}. */
  metrics(): Promise<string>
  /** The `Content-Type` of metrics. */
  readonly contentType: string
  /** A fault of ours while a request was answered; for the log. */
  onError(error: unknown): void
}

/** A running admin server. */
export interface AdminServer {
  /** The port, chosen by the system where 0 was asked for. */
  readonly port: number
  /** Closes the port and every connection to it. */
  close(): Promise<void>
}

/** Probes and scrapers are few; more connections than this are closed at once. */
const CONNECTIONS_MAX = 64

/** Probes send a few hundred bytes. */
const HEADER_BYTES_MAX = 8 * 1024

/** Probes give up after seconds, so there is no use in waiting longer for a request. */
const REQUEST_MS_MAX = 10_000

/**
 * Opens the admin port.
 *
 * @throws {ListenError} if it cannot be opened
 */
export async function startAdminServer(options: AdminOptions): Promise<AdminServer> {
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      requestTimeout: REQUEST_MS_MAX,
      headersTimeout: REQUEST_MS_MAX,
      keepAliveTimeout: REQUEST_MS_MAX,
    },
    (request, response) => void answer(options, request, response),
  )
  server.maxConnections = CONNECTIONS_MAX
  const port = await listen(server, options)
  return { port, close: () => close(server) }
}

async function answer(options: AdminOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD')
    send(response, 405, TEXT, 'only GET and HEAD\n')
    return
  }
  try {
    await route(options, request.url?.split('?', 1)[0] ?? '', response)
  } catch (error) {
    options.onError(error)
    if (!response.headersSent) send(response, 500, TEXT, 'a fault of this process; see its log\n')
  }
}

const TEXT = 'text/plain; charset=utf-8'
const JSON_TYPE = 'application/json; charset=utf-8'

async function route(options: AdminOptions, path: string, response: ServerResponse): Promise<void> {
  switch (path) {
    case '/livez':
      // Never depends on NATS: a restart would not bring it back, and would lose what the process holds.
      send(response, 200, TEXT, 'ok\n')
      return
    case '/readyz': {
      const { ready, reasons } = options.readiness()
      send(response, ready ? 200 : 503, JSON_TYPE, `${JSON.stringify({ ready, reasons })}\n`)
      return
    }
    case '/metrics':
      send(response, 200, options.contentType, await options.metrics())
      return
    default:
      send(response, 404, TEXT, 'try /livez, /readyz or /metrics\n')
  }
}

/** For HEAD, node:http leaves the body out. */
function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  response.end(body)
}

function listen(server: Server, { host, port, setting, onError }: AdminOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void =>
      reject(new ListenError(error.code ?? error.message, { host, port, setting }))
    server.once('error', fail)
    server.listen({ host, port }, () => {
      server.off('error', fail)
      server.on('error', onError)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

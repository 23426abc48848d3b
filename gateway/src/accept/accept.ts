// The public port: HTTP upgrades become connections of the session or are refused with an HTTP answer. Plain requests get a
// short answer, and in local mode the local page. Step 1 of the message path.
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Connection } from '../session/connection.ts'
import type { Session } from '../session/session.ts'
import { clientAddress, proxyList } from './address.ts'
import type { AddressRates } from './address-rate.ts'
import { type AcceptRules, type AcceptState, decideUpgrade } from './decide.ts'
import { echo } from './echo.ts'
import type { HttpHandler } from './http-handler.ts'
import { type PublicTls, TLS_OPTIONS } from './public-tls.ts'
import { refuseUpgrade } from './refusal.ts'
import type { Sockets } from './sockets.ts'
import { readUpgradeRequest, type UpgradeRequest } from './upgrade-request.ts'
import { createUpgradeTurns } from './upgrade-turns.ts'

/** See {@link createAccept}. */
export interface AcceptOptions {
  readonly rules: AcceptRules
  readonly trustedProxies: readonly string[]
  /** Null in local mode: everything comes from one address there. */
  readonly rates: AddressRates | null
  readonly sockets: Sockets
  readonly session: Pick<Session, 'opened'>
  readonly state: () => Omit<AcceptState, 'addressWaitMs'>
  readonly connect: (
    peer: WebSocket,
    socket: Connection['socket'],
    request: UpgradeRequest,
    address: string,
    signs: boolean,
  ) => Connection
  readonly http: HttpHandler
  /** Null where TLS ends in front of us. */
  readonly tls: PublicTls | null
  readonly nowMs: () => number
  readonly counters: { acceptsTotal: number; readonly refusals: { add(label: string): void } }
}

/** How long a client may take to send its request, in milliseconds. */
const HEADERS_WAIT_MS = 10_000
/** Between two looks for requests that are late; Node's own 30 s would make the wait above three times as long. */
const HEADERS_CHECK_MS = 1000
/** Upgrades in a turn of the event loop: some 150 µs each. */
const UPGRADES_PER_TURN_MAX = 16

interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
}

/** Makes the server of the public port; the caller listens and closes. */
export function createAccept(options: AcceptOptions): Server {
  const { rules, rates, sockets, session, counters } = options
  const trusted = proxyList(options.trustedProxies)
  const server = makeServer(options)
  // Connections that are neither sockets nor refused yet are bounded with the others.
  server.maxConnections = rules.connectionsMax + rules.unauthenticatedMax

  const take = createUpgradeTurns<Upgrade>(UPGRADES_PER_TURN_MAX, ({ request, socket, head }) => {
    // It was left while it waited: nothing has been counted for it.
    if (socket.destroyed) return
    const facts = readUpgradeRequest(request, rules.compression)
    const forwardedFor = [request.headers['x-forwarded-for'] ?? []].flat().join(',')
    const address = clientAddress(
      request.socket.remoteAddress ?? '',
      forwardedFor === '' ? undefined : forwardedFor,
      trusted,
    )
    const addressWaitMs = rates?.connect(address, options.nowMs()) ?? 0
    const decision = decideUpgrade(facts, { ...options.state(), addressWaitMs }, rules)
    if (decision.kind === 'refuse') {
      counters.refusals.add(decision.reason)
      refuseUpgrade(socket, decision.status, retryAfter(decision.retryAfterMs))
      return
    }
    const deflate = decision.kind === 'echo' || facts.deflate === 'malformed' ? null : facts.deflate
    sockets.upgrade(request, socket, head, deflate, (peer, stream) => {
      socket.off('error', ignore)
      counters.acceptsTotal++
      if (decision.kind === 'echo') {
        echo(peer)
        return null
      }
      const connection = options.connect(peer, stream, facts, address, decision.sign !== 'by-frame')
      session.opened(connection, decision.sign)
      return connection
    })
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Until ws takes the socket over, its errors are nobody's.
    socket.on('error', ignore)
    take({ request, socket, head })
  })
  return server
}

function makeServer({ http, tls }: AcceptOptions): Server {
  const waits = {
    headersTimeout: HEADERS_WAIT_MS,
    connectionsCheckingInterval: HEADERS_CHECK_MS,
    requestTimeout: HEADERS_WAIT_MS,
    keepAliveTimeout: 1000,
  }
  if (tls === null) return createServer(waits, http)
  const server = createTlsServer({ ...waits, ...TLS_OPTIONS, ...tls.shown, handshakeTimeout: HEADERS_WAIT_MS }, http)
  tls.follow(server)
  return server
}

function ignore(): void {
  // The peer went away during its handshake: there is nobody to tell.
}

function retryAfter(ms: number | null): Record<string, string> {
  return ms === null ? {} : { 'Retry-After': `${Math.max(1, Math.ceil(ms / 1000))}` }
}

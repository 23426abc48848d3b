// What an upgrade request says, taken out of its headers and URL once. Pure parsing; what follows from it is decide.ts's.
// Step 1 of the message path.
import type { IncomingMessage } from 'node:http'
import { BEARER_SUBPROTOCOL_PREFIX, SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK, type Subprotocol } from '@sluice/proto'
import { type DeflateNegotiation, negotiateDeflate } from './deflate-offer.ts'

/** The facts of a request. */
export interface UpgradeRequest {
  readonly path: string
  readonly origin: string | null
  /** The first one found of: `Authorization: Bearer`, a subprotocol entry `bearer.<jwt>`, `?token=`. */
  readonly token: string | null
  /** What to speak, or null where only unknown subprotocols are offered. */
  readonly subprotocol: Subprotocol | null
  /** Null as well where compression is off: what is offered is not looked at then. */
  readonly deflate: DeflateNegotiation
}

/**
 * Reads a request. Nothing in it is trusted, and nothing makes this throw.
 *
 * @param compresses - whether compression may be negotiated
 */
export function readUpgradeRequest(
  request: Pick<IncomingMessage, 'url' | 'headers'>,
  compresses: boolean,
): UpgradeRequest {
  const target = request.url ?? '/'
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  const query = mark === -1 ? '' : target.slice(mark + 1)
  const offered = (request.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
  return {
    path,
    origin: request.headers.origin ?? null,
    token:
      bearerHeader(request.headers.authorization) ?? bearerEntry(offered) ?? new URLSearchParams(query).get('token'),
    subprotocol: offered.length === 0 ? SUBPROTOCOL_JSON : (offered.find(isSpoken) ?? null),
    deflate: compresses ? negotiateDeflate(request.headers['sec-websocket-extensions']) : null,
  }
}

/** The entry to select: never the one that carries a token. */
export function selectSubprotocol(offered: Iterable<string>): Subprotocol | false {
  for (const entry of offered) if (isSpoken(entry)) return entry
  return false
}

function isSpoken(entry: string): entry is Subprotocol {
  return entry === SUBPROTOCOL_JSON || entry === SUBPROTOCOL_MSGPACK
}

function bearerHeader(authorization: string | undefined): string | null {
  return /^Bearer +([^ ]+) *$/i.exec(authorization ?? '')?.[1] ?? null
}

function bearerEntry(offered: readonly string[]): string | null {
  return (
    offered.find((entry) => entry.startsWith(BEARER_SUBPROTOCOL_PREFIX))?.slice(BEARER_SUBPROTOCOL_PREFIX.length) ??
    null
  )
}

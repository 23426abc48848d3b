// The WebSocket side of accept: makes sockets of upgrades and passes their events on to the session. The only home of ws.
// All sockets share their listeners; each finds its connection on the socket object. Step 1 of the message path.
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type RawData, type ServerOptions, WebSocket, WebSocketServer } from 'ws'
import type { Connection } from '../session/connection.ts'
import type { Session } from '../session/session.ts'
import { type DeflateAgreement, PERMESSAGE_DEFLATE } from './deflate-offer.ts'
import { createEventShare } from './event-share.ts'
import { createInflation, type Inflation, type InflationCounters } from './inflation.ts'
import { refuseUpgrade } from './refusal.ts'
import { selectSubprotocol } from './upgrade-request.ts'

/** See {@link createSockets}. */
export interface SocketsOptions {
  readonly session: Pick<Session, 'message' | 'ping' | 'pong' | 'broken' | 'closed'>
  /** Of a frame, and of a message after it was inflated. */
  readonly frameBytesMax: number
  readonly counters: InflationCounters
}

/** Makes sockets. */
export interface Sockets {
  /**
   * Completes an upgrade; `connect` makes the connection of the new socket, or null to go on without one.
   *
   * @param deflate - null for a socket without compression
   */
  upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    deflate: DeflateAgreement | null,
    connect: (peer: WebSocket, socket: Socket) => Connection | null,
  ): void
}

/** Parts of one message: more is refused with 1008. A message of 64 KiB in parts of 512 bytes still passes; all parts of a read are taken in one turn. */
const FRAGMENTS_MAX = 128
/** Reads of the socket that one unfinished frame may spread over, for the same reason. */
const CHUNKS_MAX = 4096
/** How long a peer may take to answer a close frame before its socket is ended by force, in milliseconds. */
const CLOSE_WAIT_MS = 5000

class ConnectedSocket extends WebSocket {
  connection: Connection | null = null
  inflation: Inflation | null = null
  /** For {@link createEventShare}. */
  eventsInTurn = 0

  override resume(): void {
    super.resume()
    this.inflation?.proceed()
  }

  override close(code?: number, reason?: string | Buffer): void {
    super.close(code, reason)
    this.inflation?.proceed()
  }
}

/** Makes the sockets of a gateway. */
export function createSockets({ session, frameBytesMax, counters }: SocketsOptions): Sockets {
  // The types do not know `closeTimeout` yet.
  const options: ServerOptions<typeof ConnectedSocket> & { closeTimeout: number } = {
    noServer: true,
    WebSocket: ConnectedSocket,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: frameBytesMax,
    maxFragments: FRAGMENTS_MAX,
    maxBufferedChunks: CHUNKS_MAX,
    closeTimeout: CLOSE_WAIT_MS,
    // A pong goes through the outbox: who pings without reading must not grow a buffer that nobody bounds.
    autoPong: false,
    handleProtocols: selectSubprotocol,
  }
  const server = new WebSocketServer(options)
  const share = createEventShare()
  // ws answers within the call of handleUpgrade, so this is the agreement of the upgrade that it is busy with.
  let agreed: DeflateAgreement | null = null
  server.on('headers', (headers) => {
    if (agreed !== null) headers.push(`Sec-WebSocket-Extensions: ${agreed.answer}`)
  })

  function inflate(peer: ConnectedSocket, socket: Duplex): void {
    const inflation = createInflation({
      bytesMax: frameBytesMax,
      counters,
      isOpen: () => peer.readyState === WebSocket.OPEN,
      isPaused: () => peer.isPaused,
      onFault: (code) => peer.close(code),
    })
    peer.inflation = inflation
    // ws tells of the end when its receiver is done, which must not wait for us.
    socket.once('close', inflation.proceed)
    // The receiver reads from this object, and no byte has come to it yet. ws has no public place for an extension of others.
    Object.assign((peer as unknown as { _extensions: object })._extensions, { [PERMESSAGE_DEFLATE]: inflation })
    if (peer.extensions !== PERMESSAGE_DEFLATE) throw new Error('this release of ws keeps its extensions elsewhere')
    counters.compressedSockets++
  }
  // A handshake that is none: answered as every other refusal. The header is what RFC 6455 demands of a wrong version, and right for all.
  server.on('wsClientError', (_, socket) => refuseUpgrade(socket, 400, { 'Sec-WebSocket-Version': '13' }))

  function onMessage(this: WebSocket, message: RawData, binary: boolean): void {
    share.count(this as ConnectedSocket)
    const connection = connectionOf(this)
    if (connection !== null) session.message(connection, message as Buffer, binary)
  }
  function onPing(this: WebSocket, payload: Buffer): void {
    share.count(this as ConnectedSocket)
    const connection = connectionOf(this)
    if (connection !== null) session.ping(connection, payload)
  }
  function onPong(this: WebSocket): void {
    share.count(this as ConnectedSocket)
    const connection = connectionOf(this)
    if (connection !== null) session.pong(connection)
  }
  function onError(this: WebSocket, error: Error & { code?: string }): void {
    const connection = connectionOf(this)
    // Errors of the socket itself come as its close; those of the protocol are answered by ws with their code.
    if (connection !== null && error.code?.startsWith('WS_ERR_')) session.broken(connection, closeCodeOf(error.code))
  }
  function onClose(this: WebSocket, code: number): void {
    const connection = connectionOf(this)
    if (connection === null) return
    ;(this as ConnectedSocket).connection = null
    if (this.extensions !== '') counters.compressedSockets--
    session.closed(connection, code)
  }

  return {
    upgrade(request, socket, head, deflate, connect) {
      agreed = deflate
      server.handleUpgrade(request, socket, head, (peer) => {
        peer.on('error', onError)
        peer.connection = connect(peer, socket as Socket)
        if (peer.connection === null) return
        share.begin(peer)
        if (deflate !== null) inflate(peer, socket)
        peer.on('message', onMessage)
        peer.on('ping', onPing)
        peer.on('pong', onPong)
        peer.on('close', onClose)
      })
    },
  }
}

function connectionOf(peer: WebSocket): Connection | null {
  return (peer as ConnectedSocket).connection
}

/** The code that ws itself closes with, which its close event does not tell. */
function closeCodeOf(code: string): number {
  switch (code) {
    case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
      return 1009
    case 'WS_ERR_INVALID_UTF8':
    case 'WS_ERR_INVALID_DEFLATE':
      return 1007
    case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
      return 1008
    default:
      return 1002
  }
}

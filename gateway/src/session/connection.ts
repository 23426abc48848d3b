// One connection: a single flat object, as there is one for each of very many sockets. Owns no behaviour; each part of the
// gateway works on its own fields. Everything that may be absent on an idle connection is null on it.
import type { Socket } from 'node:net'
import type { Codec, RequestId, RoomName, SessionId } from '@sluice/proto'
import type { Principal } from '../accept/authenticate/principal.ts'
import type { Member, Topic } from '../fanout/topic.ts'
import type { Wheeled } from '../heartbeat/wheel.ts'
import type { LocalRoom } from '../presence/local-rooms.ts'
import type { Watch } from '../presence/watched-rooms.ts'
import type { RoomRights } from '../rights/room-rights.ts'
import type { Answer } from './answer.ts'
import type { Phase } from './connection-state.ts'
import type { Lanes } from './lanes.ts'
import type { Bucket, Refusals } from './rate-limit.ts'

/** What the session needs of a WebSocket; `ws` fits as it is. */
export interface Peer {
  /** Begins the closing handshake; ends the socket by force if the peer does not follow. */
  close(code: number, reason: string): void
  /** Ends the socket at once. */
  terminate(): void
  pause(): void
  resume(): void
}

/** A connection. */
export interface Connection extends Member, Wheeled {
  /** Counts this gateway's sockets; the lower, the older. */
  readonly number: number
  readonly session: SessionId
  readonly peer: Peer
  readonly socket: Socket
  readonly codec: Codec
  /** The peer's address as far as proxies are trusted: failed sign-ins are counted by it. */
  readonly address: string
  phase: Phase
  /** Whether it counts as signed in: set once, and kept until the socket is gone. */
  signedIn: boolean
  principal: Principal | null
  user: string | null
  topics: Topic[]
  /** Rooms in which it is shown to others; null while there is none, as for `watches`. */
  presentIn: LocalRoom[] | null
  /** Rooms whose members it is told of. */
  watches: Watch[] | null
  /** Rooms that it was put into and has not joined itself since; null while there was none. */
  added: readonly RoomName[] | null
  /** What services have said about it in rooms; null while that is nothing. */
  rights: Map<RoomName, RoomRights> | null

  /** Frames that arrived while no more could be handled: at most what one read of the socket brings. */
  backlog: Uint8Array[] | null
  /** Frames that were handled in this turn of the event loop. */
  framesInTurn: number
  /** Whether reading is stopped. */
  paused: boolean
  /** Whether a frame `auth` is being verified: what follows may need its grants. */
  authenticating: boolean
  inFlight: number
  /** The ids of requests in flight. */
  ids: RequestId[] | null
  lanes: Lanes<Answer> | null
  /** The code of the close that this gateway decided, or null: the peer's own is then counted. */
  closeCode: number | null
  /** Malformed frames in a row. */
  malformed: number
  /** Frames that came after the gateway had begun to close. */
  framesAfterClose: number

  /** Null until they are needed: most connections only listen. */
  publishes: Bucket | null
  requests: Bucket | null
  refusals: Refusals | null

  signInByTick: number
  heardTick: number
  pingedTick: number
}

/** What {@link createConnection} is given. */
export interface ConnectionStart {
  readonly number: number
  readonly session: SessionId
  readonly peer: Peer
  readonly socket: Socket
  readonly codec: Codec
  readonly deflateBytesMax: number
  readonly address: string
  readonly phase: 'verifying' | 'waiting'
  readonly tick: number
  readonly signInByTick: number
}

/** Makes the object of a socket that was just upgraded. */
export function createConnection(start: ConnectionStart): Connection {
  return {
    number: start.number,
    session: start.session,
    peer: start.peer,
    socket: start.socket,
    codec: start.codec,
    binary: start.codec.binary,
    deflateBytesMax: start.deflateBytesMax,
    address: start.address,
    phase: start.phase,
    signedIn: false,
    principal: null,
    user: null,
    topics: [],
    slots: [],
    presentIn: null,
    watches: null,
    added: null,
    rights: null,
    queue: null,
    queueBytes: 0,
    queued: 'no',
    wheelSlot: -1,
    wheelAt: 0,
    backlog: null,
    framesInTurn: 0,
    paused: false,
    authenticating: false,
    inFlight: 0,
    ids: null,
    lanes: null,
    closeCode: null,
    malformed: 0,
    framesAfterClose: 0,
    publishes: null,
    requests: null,
    refusals: null,
    signInByTick: start.signInByTick,
    heardTick: start.tick,
    pingedTick: -1,
  }
}

// What the gateway's parts need of a socket, played for unit tests: a socket that keeps what was written and drains when told
// to, a peer that notes its close, a connection over both, and an outbox that shows decoded frames at once.
import { jsonCodec, parseUser, type ServerFrame, type SessionId } from '@sluice/proto'
import { Tally } from '@sluice/service/metrics/tally'
import type { Principal } from '../../gateway/src/accept/authenticate/principal.ts'
import { leaveAll } from '../../gateway/src/fanout/topic.ts'
import { createWheel, type Wheel } from '../../gateway/src/heartbeat/wheel.ts'
import type { Outbox } from '../../gateway/src/outbound/outbox.ts'
import type { Outgoing, Writable } from '../../gateway/src/outbound/outgoing.ts'
import {
  type Connection,
  type ConnectionStart,
  createConnection,
  type Peer,
} from '../../gateway/src/session/connection.ts'
import { createWire, type Wire } from '../../gateway/src/session/wire.ts'

/** A socket whose buffer the test fills and drains. */
export class FakeSocket implements Writable {
  /** One entry for each system call that a real socket would have made: what was written under one cork is one. */
  readonly flushes: Buffer[] = []
  destroyed = false
  writableLength = 0
  writableNeedDrain = false
  #corked: Buffer[] | null = null
  #listeners: (() => void)[] = []

  write(chunk: Uint8Array): boolean {
    if (this.#corked !== null) this.#corked.push(Buffer.from(chunk))
    else this.flushes.push(Buffer.from(chunk))
    return !this.writableNeedDrain
  }

  cork(): void {
    this.#corked = []
  }

  uncork(): void {
    this.flushes.push(Buffer.concat(this.#corked ?? []))
    this.#corked = null
  }

  once(_: 'drain', listener: () => void): this {
    this.#listeners.push(listener)
    return this
  }

  /** Listeners that wait for the drain. */
  get waiting(): number {
    return this.#listeners.length
  }

  /** The peer has read on. */
  drain(): void {
    this.writableNeedDrain = false
    this.writableLength = 0
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners) listener()
  }

  /** All bytes so far. */
  get bytes(): Buffer {
    return Buffer.concat(this.flushes)
  }
}

/** A WebSocket that notes what was asked of it. */
export class FakePeer implements Peer {
  closed: { readonly code: number; readonly reason: string } | null = null
  paused = false
  /** Times that reading was stopped. */
  pauses = 0

  close(code: number, reason: string): void {
    this.closed = { code, reason }
  }

  terminate(): void {
    this.closed = { code: 1006, reason: '' }
  }

  pause(): void {
    this.paused = true
    this.pauses++
  }

  resume(): void {
    this.paused = false
  }
}

/** A connection over fakes. */
export type FakeConnection = Connection & {
  readonly peer: FakePeer
  readonly socket: Connection['socket'] & FakeSocket
}

/** What differs from an open connection of alice that speaks JSON. */
export interface FakeConnectionOptions extends Partial<Pick<ConnectionStart, 'number' | 'codec' | 'deflateBytesMax'>> {
  /** Default `alice`; null has not signed in. */
  readonly user?: string | null
  readonly grants?: Principal['grants']
  /** Default `open`, or `waiting` without a user. */
  readonly phase?: Connection['phase']
}

/** A principal. */
export function principalOf(user: string, grants: Principal['grants'] = {}): Principal {
  const name = parseUser(user, 128)
  if (name === null) throw new Error(`${user} is no user`)
  return {
    user: name,
    grants,
    claims: `{"sub":${JSON.stringify(user)}}`,
    expiresAt: null,
    tokenId: null,
    issuedAt: null,
  }
}

/** Makes a connection, signed in unless told otherwise. */
export function fakeConnection(options: FakeConnectionOptions = {}): FakeConnection {
  const { user = 'alice', number = 1, grants } = options
  const connection = createConnection({
    number,
    session: `gw.${number}` as SessionId,
    peer: new FakePeer(),
    socket: new FakeSocket() as unknown as Connection['socket'],
    codec: options.codec ?? jsonCodec,
    deflateBytesMax: options.deflateBytesMax ?? 0,
    address: '192.0.2.1',
    phase: 'waiting',
    tick: 0,
    signInByTick: 40,
  })
  if (user !== null) {
    connection.principal = principalOf(user, grants)
    connection.user = user
    connection.phase = 'open'
    connection.signedIn = true
  }
  if (options.phase !== undefined) connection.phase = options.phase
  return connection as FakeConnection
}

/** The payload of a frame that the gateway built. */
export function payloadOf(frame: Buffer): Buffer {
  const short = frame[1] ?? 0
  return frame.subarray(short === 126 ? 4 : short === 127 ? 10 : 2)
}

/** An outbox that takes everything. */
export interface RecordingOutbox extends Outbox {
  /** What a connection was sent, decoded; control frames are left out. */
  framesOf(connection: Connection): ServerFrame[]
  /** Raw frames of a connection. */
  rawOf(connection: Outgoing): readonly Buffer[]
  readonly finished: readonly Outgoing[]
  readonly discarded: readonly Outgoing[]
}

const CONTROL = 0x08

/** Makes one. */
export function recordingOutbox(): RecordingOutbox {
  const frames = new Map<Outgoing, Buffer[]>()
  const finished: Outgoing[] = []
  const discarded: Outgoing[] = []
  const rawOf = (connection: Outgoing): readonly Buffer[] => frames.get(connection) ?? []
  return {
    bytes: 0,
    push(connection, frame) {
      frames.set(connection, [...rawOf(connection), frame])
      return true
    },
    finish: (connection) => void finished.push(connection),
    paced: () => Promise.resolve(),
    keep: () => undefined,
    discard: (connection) => void discarded.push(connection),
    framesOf: (connection) =>
      rawOf(connection)
        .filter(([head = 0]) => (head & CONTROL) === 0)
        .map((frame) => connection.codec.decodeServer(payloadOf(frame)) as ServerFrame),
    rawOf,
    finished,
    discarded,
  }
}

/** The writing side of a session over a recording outbox. */
export interface RecordedWire {
  readonly wire: Wire
  readonly outbox: RecordingOutbox
  readonly wheel: Wheel<Connection>
  /** Refusals by code. */
  readonly requestErrors: Tally
}

/** Makes one. */
export function recordedWire(): RecordedWire {
  const outbox = recordingOutbox()
  const wheel = createWheel<Connection>(512)
  const requestErrors = new Tally()
  return {
    wire: createWire({ outbox, topics: { leaveAll }, wheel, onEnd: () => undefined, counters: { requestErrors } }),
    outbox,
    wheel,
    requestErrors,
  }
}

// Builds everything between an upgraded socket and NATS: what delivers (`fanout/fanout.ts`), what is asked of services, and what drives
// connections (`session-parts.ts`). Makes each connection, and keeps their time. The composition root builds what stands around it.
import {
  createSubjects,
  encodeReceipt,
  type GatewayId,
  jsonCodec,
  SUBPROTOCOL_MSGPACK,
  sessionId,
  sessionNumber,
} from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import type { Clock } from '@sluice/service/clock'
import type { Logger } from '@sluice/service/log'
import type { Throttle } from '@sluice/service/throttle'
import { type AddressRates, createAddressRates } from '../accept/address-rate.ts'
import type { Authenticator } from '../accept/authenticate/principal.ts'
import { deflateBytesMaxOf } from '../accept/deflate-offer.ts'
import type { UpgradeRequest } from '../accept/upgrade-request.ts'
import type { Backplane } from '../backplane/backplane.ts'
import type { GatewayConfig } from '../config/config-schema.ts'
import type { Revocations } from '../control/follow-revocations.ts'
import type { DeliverOptions } from '../fanout/deliver.ts'
import { createFanout, type Fanout } from '../fanout/fanout.ts'
import { createWheel, type Wheel } from '../heartbeat/wheel.ts'
import type { RunningHistory } from '../history/start-history.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Presence } from '../presence/presence.ts'
import type { Tracing } from '../trace/tracing.ts'
import { type Connection, createConnection, type Peer } from './connection.ts'
import { type Connections, createConnections } from './connections.ts'
import { createServices } from './services.ts'
import { createSessionParts, type SessionParts } from './session-parts.ts'
import { createWire, type Wire } from './wire.ts'

/** See {@link createCore}. */
export interface CoreOptions {
  /** What holds now; namespaces may change while the gateway runs. */
  readonly config: () => GatewayConfig
  readonly backplane: Backplane
  readonly authenticator: Authenticator
  readonly clock: Clock
  readonly log: Logger
  readonly counters: Counters
  readonly throttle: Throttle
  /** What this process is called on the wire. */
  readonly gateway: GatewayId
  /** Null while no namespace has presence, and until it has begun. */
  readonly presence: () => Presence | null
  /** Null while nothing is kept, and until it has begun. */
  readonly history: () => RunningHistory | null
  /** Which tokens are not let in any more; null where nobody can revoke any. */
  readonly revocations: () => Revocations | null
  /** Null where nothing is traced. */
  readonly tracing: Tracing | null
  /** The readiness probe has come back. */
  readonly onProbe: (payload: Uint8Array) => void
}

/** See {@link Core.connect}. */
type Connect = (
  peer: Peer,
  socket: Connection['socket'],
  request: UpgradeRequest,
  address: string,
  signs: boolean,
) => Connection

/** The core of a gateway. */
export interface Core extends Fanout, SessionParts {
  readonly gateway: GatewayId
  readonly probeSubject: string
  readonly connections: Connections
  readonly wire: Wire
  readonly rates: AddressRates
  /** Makes the connection of a socket that was just upgraded. */
  readonly connect: Connect
  /** One step of the wheel; called every {@link TICK_MS}. */
  tick(): void
}

/** The wheel's step: deadlines and heartbeats are late by this much at most. */
export const TICK_MS = 250
/** Two minutes; what is due later is looked at on the way. */
const WHEEL_SLOTS = 512
/** Between two looks at empty rooms: 1 s. */
const SWEEP_TICKS = 4

/** Builds the core. */
export function createCore(options: CoreOptions): Core {
  const { backplane, clock, counters, gateway, presence } = options
  const { accept, compression, limits, nats } = options.config()
  const subjects = createSubjects(nats.prefix)
  const connections = createConnections()
  const wheel = createWheel<Connection>(WHEEL_SLOTS)
  const rates = createAddressRates({
    connectionsPerSecond: accept.addressConnectionsPerSecond,
    signInFailuresPerSecond: accept.addressSignInFailuresPerSecond,
  })
  const onReceipt: DeliverOptions['onReceipt'] = (id, delivered) => {
    const receipt = encodeReceipt({ gateway, ...delivered })
    backplane.publish(subjects.receipt(id), new TextEncoder().encode(receipt))
  }
  const fanout = createFanout({
    ...options,
    queueBytesMax: limits.queueBytesMax,
    compression,
    namespaces: () => options.config().namespaces,
    onReceipt,
    onSlow: (connection) => wire.closeSlow(connection),
  })
  const { outbox, deliver, topics } = fanout
  const onEnd = (connection: Connection): void => {
    services.forget(connection)
    presence()?.closed(connection, 'broken')
  }
  const wire = createWire({ outbox, topics, wheel, onEnd, counters })
  const services = createServices({
    ...options,
    ...limits,
    subjects,
    topics,
    wire,
    namespaces: () => options.config().namespaces,
    nowMs: clock.monotonicMs,
    tickMs: TICK_MS,
  })
  const { session, placing } = createSessionParts({
    ...options,
    subjects,
    connections,
    wheel,
    tickMs: TICK_MS,
    rates,
    publishRate: { perSecond: limits.publishesPerSecond, burst: limits.publishBurst },
    requestRate: requestRateOf(limits),
    outbox,
    topics,
    wire,
    services,
  })

  backplane.listen(subjects.sessions(gateway), (message, subject) => {
    const number = sessionNumber(subject)
    if (number === 0) return options.onProbe(message.payload)
    const connection = number === null ? undefined : connections.get(number)
    if (connection?.principal && connection.phase === 'open') {
      deliver.toMember(connection, { kind: 'user', name: connection.principal.user }, message)
    } else if (message.receipt !== undefined) onReceipt(message.receipt, { connections: 0, written: 0, skipped: 0 })
  })

  return {
    gateway,
    probeSubject: subjects.probe(gateway),
    connections,
    ...fanout,
    wire,
    session,
    placing,
    rates,
    connect: createConnect(options, wheel),
    tick() {
      session.tick()
      services.tick()
      presence()?.tick()
      options.history()?.tick()
      if (wheel.tick % SWEEP_TICKS === 0) topics.sweep()
    },
  }
}

function createConnect({ config, gateway }: CoreOptions, wheel: Wheel<Connection>): Connect {
  const signInTicks = Math.ceil(config().accept.unauthenticatedWaitMs / TICK_MS)
  let number = 0
  return (peer, socket, request, address, signs) => {
    number++
    return createConnection({
      number,
      session: sessionId(gateway, number),
      peer,
      socket,
      codec: request.subprotocol === SUBPROTOCOL_MSGPACK ? msgpackCodec : jsonCodec,
      deflateBytesMax: deflateBytesMaxOf(request.deflate),
      address,
      phase: signs ? 'verifying' : 'waiting',
      tick: wheel.tick,
      signInByTick: wheel.tick + signInTicks,
    })
  }
}

/** All rooms can be joined at once after `welcome`. */
function requestRateOf(limits: GatewayConfig['limits']) {
  return { perSecond: limits.requestsPerSecond, burst: Math.max(limits.requestsPerSecond, limits.roomsMax) }
}

// Builds everything between an upgraded socket and NATS, in the order in which a message meets it: outbound queues, fan-out,
// and the session's parts. The composition root builds what stands around it.
import {
  createSubjects,
  encodeReceipt,
  type GatewayId,
  jsonCodec,
  SUBPROTOCOL_MSGPACK,
  type Subjects,
  sessionId,
  sessionNumber,
} from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import type { Clock } from '@sluice/service/clock'
import type { Logger } from '@sluice/service/log'
import type { Throttle } from '@sluice/service/throttle'
import { type AddressRates, createAddressRates } from '../accept/address-rate.ts'
import type { Authenticator } from '../accept/authenticate/principal.ts'
import type { UpgradeRequest } from '../accept/upgrade-request.ts'
import type { Backplane } from '../backplane/backplane.ts'
import type { GatewayConfig } from '../config/config-schema.ts'
import type { Revocations } from '../control/follow-revocations.ts'
import { createDeliver, type Deliver, type DeliverOptions } from '../fanout/deliver.ts'
import { createTopics, type Topics } from '../fanout/topics.ts'
import { deliverTo, wildcardOver } from '../fanout/wildcards.ts'
import { createWheel, type Wheel } from '../heartbeat/wheel.ts'
import type { RunningHistory } from '../history/start-history.ts'
import type { Counters } from '../metrics/counters.ts'
import { createOutbox, type Outbox } from '../outbound/outbox.ts'
import type { Presence } from '../presence/presence.ts'
import { traceDeliver } from '../trace/traced-deliver.ts'
import type { Tracing } from '../trace/tracing.ts'
import { type Connection, createConnection, type Peer } from './connection.ts'
import { type Connections, createConnections } from './connections.ts'
import { isJoined } from './membership.ts'
import { createPlacing, type Placing } from './placing.ts'
import { type PrepareOptions, prepare } from './prepare.ts'
import { createReader } from './reader.ts'
import { createRequests } from './requests.ts'
import { createServices, type Services } from './services.ts'
import { createSession, type Session } from './session.ts'
import { createSignIn } from './sign-in.ts'
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

/** The core of a gateway. */
export interface Core {
  readonly gateway: GatewayId
  readonly probeSubject: string
  readonly connections: Connections
  readonly topics: Topics
  readonly deliver: Deliver
  readonly outbox: Outbox
  readonly wire: Wire
  readonly session: Session
  /** Changes the rooms of connections for others than their clients. */
  readonly placing: Placing
  readonly rates: AddressRates
  /** Makes the connection of a socket that was just upgraded. */
  connect(
    peer: Peer,
    socket: Connection['socket'],
    request: UpgradeRequest,
    address: string,
    signs: boolean,
  ): Connection
  /** One step of the wheel; called every {@link TICK_MS}. */
  tick(): void
}

/** The wheel's step: deadlines and heartbeats are late by this much at most. */
export const TICK_MS = 250
/** Two minutes; what is due later is looked at on the way. */
const WHEEL_SLOTS = 512
/** 512 flushes take some three milliseconds, after which NATS, timers and small rooms have their turn. */
const SLICE = 512
const SLICED_MESSAGES_MAX = 256
/** Between two looks at empty rooms, and how many of them a room outlives: 5 s. */
const SWEEP_TICKS = 4
const LINGER_SWEEPS = 5

/** Builds the core. */
export function createCore(options: CoreOptions): Core {
  const { backplane, clock, counters, gateway, presence } = options
  const { accept, limits, nats } = options.config()
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
  const { outbox, deliver, topics } = createFanout(options, onReceipt, (connection) => wire.closeSlow(connection))
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
  const inputs = { gateway, subjects, connections, wheel, rates, outbox, topics, wire, services }
  const { session, placing } = createSessionParts(options, inputs)

  backplane.listen(subjects.sessions(gateway), (message, subject) => {
    const number = sessionNumber(subject)
    if (number === 0) return options.onProbe(message.payload)
    const connection = number === null ? undefined : connections.get(number)
    if (connection?.principal && connection.phase === 'open') {
      deliver.toMember(connection, { kind: 'user', name: connection.principal.user }, message)
    } else if (message.receipt !== undefined) onReceipt(message.receipt, { connections: 0, written: 0, skipped: 0 })
  })

  const publishRate = { perSecond: limits.publishesPerSecond, burst: limits.publishBurst }
  const requestRate = requestRateOf(limits)
  let number = 0
  return {
    gateway,
    probeSubject: subjects.probe(gateway),
    connections,
    topics,
    deliver,
    outbox,
    wire,
    session,
    placing,
    rates,
    connect(peer, socket, request, address, signs) {
      number++
      return createConnection({
        number,
        session: sessionId(gateway, number),
        peer,
        socket,
        codec: request.subprotocol === SUBPROTOCOL_MSGPACK ? msgpackCodec : jsonCodec,
        address,
        phase: signs ? 'verifying' : 'waiting',
        publishRate,
        requestRate,
        nowMs: clock.monotonicMs(),
        tick: wheel.tick,
        signInByTick: wheel.tick + Math.ceil(accept.unauthenticatedWaitMs / TICK_MS),
      })
    },
    tick() {
      session.tick()
      services.tick()
      presence()?.tick()
      options.history()?.tick()
      if (wheel.tick % SWEEP_TICKS === 0) topics.sweep()
    },
  }
}

interface Fanout {
  readonly outbox: Outbox
  readonly deliver: Deliver
  readonly topics: Topics
}

function createFanout(
  { config, backplane, counters, log, throttle, history, tracing }: CoreOptions,
  onReceipt: DeliverOptions['onReceipt'],
  closeSlow: (connection: Connection) => void,
): Fanout {
  const outbox = createOutbox({
    queueBytesMax: config().limits.queueBytesMax,
    flushesPerTurn: SLICE,
    counters,
    onOverflow: (connection) => {
      counters.slowConsumers++
      closeSlow(connection as Connection)
    },
  })
  const linked = createDeliver({
    outbox,
    sliceMembers: SLICE,
    slicedMessagesMax: SLICED_MESSAGES_MAX,
    counters,
    onUnencodable: (about) => {
      counters.payloadsDropped.add('msgpack')
      if (throttle('msgpack') !== null) log.warn({ about }, 'a message could not be encoded as msgpack')
    },
    onReceipt,
    answerPublisher: (member, message) => history()?.session.echoes.answer(member, message) ?? false,
  })
  const deliver = traceDeliver(linked, tracing)
  const topics: Topics = createTopics({
    backplane,
    deliver: (topic, message, subject) => deliverTo(deliver, topics, topic, message, subject),
    onOpened: (topic) => history()?.opened(topic),
    onClosed: (topic) => history()?.closed(topic),
    onLeaving: (member, topic) => {
      if (wildcardOver(topics, member, topic) === undefined) return
      // The wildcard has passed over for the room's sake what the room has still to bring.
      deliver.settle(topic)
      history()?.session.leaving(member, topic)
    },
    lingerSweeps: LINGER_SWEEPS,
  })
  return { outbox, deliver, topics }
}

interface SessionInputs {
  readonly gateway: GatewayId
  readonly subjects: Subjects
  readonly connections: Connections
  readonly wheel: Wheel<Connection>
  readonly rates: AddressRates
  readonly outbox: Outbox
  readonly topics: Topics
  readonly wire: Wire
  readonly services: Services
}

function createSessionParts(options: CoreOptions, inputs: SessionInputs): Pick<Core, 'session' | 'placing'> {
  const { backplane, authenticator, clock, log, counters, presence } = options
  const { topics, subjects, wire, connections, wheel, outbox, rates, gateway, services } = inputs
  const { accept, limits, auth } = options.config()
  const handlers = handlersOf(options, inputs)
  const onFault = faultLog(options)
  const placing = createPlacing({ ...handlers, wire, onFault })
  const signIn = createSignIn({
    authenticator,
    topics,
    keepsInbox: (user) => (handlers.history()?.targets.user(user) ?? null) !== null,
    backplane,
    subjects,
    connections,
    wire,
    gateway,
    revocations: options.revocations,
    limits,
    everyone: auth.grants,
    authorise: auth.service ? services.connectionRights.ask : null,
    userConnectionsMax: accept.userConnectionsMax,
    userConnectionsClose: accept.userConnectionsClose,
    now: clock.now,
    counters,
    onFailure: ({ address }, { reason, detail }) => {
      log.debug({ reason, detail }, 'sign-in refused')
      if (reason !== 'unavailable') rates.failed(address, clock.monotonicMs())
    },
    onOpen: (connection) => {
      session.reschedule(connection)
      presence()?.opened(connection)
      placing.addGranted(connection)
    },
    onRefreshed: (connection) => {
      session.reschedule(connection)
      services.rights.refreshed(connection)
      presence()?.refreshed(connection)
    },
  })
  const requests = createRequests({
    wire,
    prepare: (connection, frame) => prepare(connection, frame, handlers),
    authenticate: signIn.byFrame,
    publishRate: { perSecond: limits.publishesPerSecond, burst: limits.publishBurst },
    requestRate: requestRateOf(limits),
    nowMs: clock.monotonicMs,
    counters,
    onFault,
    onAnswered: (connection) => reader.proceed(connection),
  })
  const reader = createReader({
    wire,
    requests,
    requestsInFlightMax: limits.requestsInFlightMax,
    tick: () => wheel.tick,
    counters,
  })
  const session = createSession({
    connections,
    topics,
    outbox,
    wheel,
    wire,
    reader,
    signIn,
    onEnd: (connection, departure) => {
      services.forget(connection)
      presence()?.closed(connection, departure)
    },
    clock,
    due: { heartbeatTicks: limits.heartbeatMs / TICK_MS, silenceTicks: limits.silenceMs / TICK_MS, tickMs: TICK_MS },
    clockToleranceMs: auth.clockToleranceMs,
    counters,
  })
  return { session, placing }
}

function faultLog({ throttle, log }: CoreOptions) {
  return (err: unknown, type: string): void => {
    if (throttle(`fault ${type}`) !== null) log.error({ err, type }, 'fault while handling a request')
  }
}

/** What the handlers of requests need beside the frame. */
function handlersOf(
  { config, backplane, presence, history, tracing, counters }: CoreOptions,
  { services, topics, subjects }: SessionInputs,
): PrepareOptions {
  const { limits, trace } = config()
  return {
    backplane,
    ...services,
    topics,
    subjects,
    namespaces: () => config().namespaces,
    nameBytesMax: limits.nameBytesMax,
    payloadBytesMax: limits.payloadBytesMax,
    roomsMax: limits.roomsMax,
    presence,
    history: () => history()?.session ?? null,
    isJoined: (connection: Connection, subject: string) => isJoined(connection, subject, topics),
    trace: { tracing, trustClients: trace.trustClients },
    counters,
  }
}

/** All rooms can be joined at once after `welcome`. */
function requestRateOf(limits: GatewayConfig['limits']) {
  return { perSecond: limits.requestsPerSecond, burst: Math.max(limits.requestsPerSecond, limits.roomsMax) }
}

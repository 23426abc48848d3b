// Puts together what a connection does from its sign-in to its end: the handlers of its requests, signing in, reading, and the session
// around them; and what changes its rooms for others than its client. Steps 1 to 3 of the message path.
import type { GatewayId, Subjects } from '@sluice/proto'
import type { Clock } from '@sluice/service/clock'
import type { Logger } from '@sluice/service/log'
import type { Throttle } from '@sluice/service/throttle'
import type { AddressRates } from '../accept/address-rate.ts'
import type { Authenticator } from '../accept/authenticate/principal.ts'
import type { Backplane } from '../backplane/backplane.ts'
import type { GatewayConfig } from '../config/config-schema.ts'
import type { Revocations } from '../control/follow-revocations.ts'
import type { Topics } from '../fanout/topics.ts'
import type { Wheel } from '../heartbeat/wheel.ts'
import type { RunningHistory } from '../history/start-history.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Outbox } from '../outbound/outbox.ts'
import type { Presence } from '../presence/presence.ts'
import type { Tracing } from '../trace/tracing.ts'
import type { Connection } from './connection.ts'
import type { Connections } from './connections.ts'
import { isJoined } from './membership.ts'
import { createPlacing, type Placing } from './placing.ts'
import { type PrepareOptions, prepare } from './prepare.ts'
import type { BucketRate } from './rate-limit.ts'
import { createRatePauses } from './rate-pauses.ts'
import { createReader } from './reader.ts'
import { createRequests } from './requests.ts'
import type { Services } from './services.ts'
import { createSession, type Session } from './session.ts'
import { createSignIn, type SignIn, type SignInOptions } from './sign-in.ts'
import type { Wire } from './wire.ts'

/** See {@link createSessionParts}. */
export interface SessionPartsOptions {
  /** What holds now; namespaces may change while the gateway runs. */
  readonly config: () => GatewayConfig
  readonly backplane: Backplane
  readonly authenticator: Authenticator
  readonly gateway: GatewayId
  readonly subjects: Subjects
  readonly connections: Connections
  readonly wheel: Wheel<Connection>
  /** Between two steps of the wheel, in milliseconds. */
  readonly tickMs: number
  readonly rates: AddressRates
  /** Of a connection's publishes, and of all its requests. */
  readonly publishRate: BucketRate
  readonly requestRate: BucketRate
  readonly outbox: Outbox
  readonly topics: Topics
  readonly wire: Wire
  readonly services: Services
  /** Null while no namespace has presence, and until it has begun. */
  readonly presence: () => Presence | null
  /** Null while nothing is kept, and until it has begun. */
  readonly history: () => RunningHistory | null
  /** Which tokens are not let in any more; null where nobody can revoke any. */
  readonly revocations: () => Revocations | null
  /** Null where nothing is traced. */
  readonly tracing: Tracing | null
  readonly clock: Clock
  readonly log: Logger
  readonly throttle: Throttle
  readonly counters: Counters
}

/** What drives connections: from their sockets, and for others than their clients. */
export interface SessionParts {
  readonly session: Session
  readonly placing: Placing
}

/** Twenty connections that send without end then make a turn of some 10 ms, not of 100. */
const FRAMES_PER_TURN_MAX = 8

/** Makes them. */
export function createSessionParts(options: SessionPartsOptions): SessionParts {
  const { topics, wire, connections, wheel, outbox, services, presence, clock, log, counters } = options
  const { limits, auth } = options.config()
  const handlers = handlersOf(options)
  const onFault = (err: unknown, type: string): void => {
    if (options.throttle(`fault ${type}`) !== null) log.error({ err, type }, 'fault while handling a request')
  }
  const placing = createPlacing({ ...handlers, wire, onFault })
  const ratePauses = createRatePauses()
  const signIn = signInOf(options, {
    mustWait: (user) => ratePauses.holds(user, clock.monotonicMs()),
    keepsInbox: (user) => (handlers.history()?.targets.user(user) ?? null) !== null,
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
    publishRate: options.publishRate,
    requestRate: options.requestRate,
    nowMs: clock.monotonicMs,
    counters,
    onFault,
    onRateClosed: ({ user }) => user !== null && ratePauses.begin(user, clock.monotonicMs()),
    onAnswered: (connection) => reader.proceed(connection),
  })
  const reader = createReader({
    wire,
    requests,
    requestsInFlightMax: limits.requestsInFlightMax,
    framesPerTurnMax: FRAMES_PER_TURN_MAX,
    tick: () => wheel.tick,
    counters,
  })
  const { tickMs } = options
  const session = createSession({
    connections,
    topics,
    outbox,
    wheel,
    wire,
    reader,
    signIn,
    afford: (connection) => requests.afford(connection, undefined),
    onEnd: (connection, departure) => {
      services.forget(connection)
      presence()?.closed(connection, departure)
    },
    clock,
    due: { heartbeatTicks: limits.heartbeatMs / tickMs, silenceTicks: limits.silenceMs / tickMs, tickMs },
    clockToleranceMs: auth.clockToleranceMs,
    counters,
  })
  return { session, placing }
}

type SignInActs = Pick<SignInOptions, 'mustWait' | 'keepsInbox' | 'onOpen' | 'onRefreshed'>

function signInOf(options: SessionPartsOptions, acts: SignInActs): SignIn {
  const { services, rates, clock, log } = options
  const { accept, limits, auth } = options.config()
  return createSignIn({
    ...options,
    ...acts,
    limits,
    everyone: auth.grants,
    authorise: auth.service ? services.connectionRights.ask : null,
    userConnectionsMax: accept.userConnectionsMax,
    userConnectionsClose: accept.userConnectionsClose,
    now: clock.now,
    onFailure: ({ address }, { reason, detail }) => {
      log.debug({ reason, detail }, 'sign-in refused')
      if (reason !== 'unavailable') rates.failed(address, clock.monotonicMs())
    },
  })
}

/** What the handlers of requests need beside the frame. */
function handlersOf(options: SessionPartsOptions): PrepareOptions {
  const { config, backplane, topics, subjects, services, presence, history, tracing, counters } = options
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

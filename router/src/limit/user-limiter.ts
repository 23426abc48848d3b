// Holds the limit of connections for each user over the whole cluster: tells gateways which sessions to close with 4030, until they
// are gone. Every holder of a user's shard chooses the same ones, so two that act do no harm.
import {
  CONTROL_SESSIONS_MAX,
  encodeControl,
  type GatewayId,
  type Instance,
  overLimit,
  type SessionId,
  type Subjects,
  type UserName,
  type UserSession,
} from '@sluice/proto'
import type { NatsPort } from '@sluice/service/jetstream/port'

/** See {@link createUserLimiter}. */
export interface UserLimiterOptions {
  readonly nats: Pick<NatsPort, 'publish'>
  readonly subjects: Subjects
  readonly sessionsOf: (user: UserName) => readonly UserSession[]
  readonly connectionsMax: number
  readonly close: 'oldest' | 'newest'
  readonly draining: () => ReadonlySet<Instance>
  readonly counters: { limitCloses: number }
}

/** Holds the limit. */
export interface UserLimiter {
  /** A user has gained a connection, or is looked at for the first time. Decided at the end of the turn. */
  check(user: UserName): void
  /** Looks again at those who were over the limit: a message of control may be lost. Called once a second. */
  recheck(): void
}

/** Users looked at again; more than that over their limit at once is an attack that gateways' own limits meet. */
const SUSPECTS_MAX = 10_000
const REASON = 'too many connections of this user'

/** Makes the limiter of a router. */
export function createUserLimiter(options: UserLimiterOptions): UserLimiter {
  const { nats, subjects, sessionsOf, connectionsMax, close, draining, counters } = options
  /** Users over their limit, with the sessions that were told to close. */
  const suspects = new Map<UserName, ReadonlySet<SessionId>>()
  const pending = new Set<UserName>()

  function judge(user: UserName, leaving: ReadonlySet<Instance>): void {
    const over = overLimit(sessionsOf(user), connectionsMax, close, leaving)
    const told = suspects.get(user)
    suspects.delete(user)
    if (over.length === 0) return
    counters.limitCloses += over.filter(({ session }) => told?.has(session) !== true).length
    if (suspects.size < SUSPECTS_MAX) suspects.set(user, new Set(over.map(({ session }) => session)))
    for (const [gateway, sessions] of byGateway(over)) tell(gateway, sessions)
  }

  function tell(gateway: GatewayId, sessions: readonly SessionId[]): void {
    for (let from = 0; from < sessions.length; from += CONTROL_SESSIONS_MAX) {
      const part = sessions.slice(from, from + CONTROL_SESSIONS_MAX)
      const control = encodeControl({ verb: 'close', sessions: part, code: 4030, reason: REASON })
      nats.publish(subjects.control(gateway), encoder.encode(control))
    }
  }

  function judgePending(): void {
    const leaving = draining()
    for (const user of pending) judge(user, leaving)
    pending.clear()
  }

  return {
    check(user) {
      if (sessionsOf(user).length <= connectionsMax) return
      if (pending.size === 0) setImmediate(judgePending)
      pending.add(user)
    },
    recheck() {
      const leaving = draining()
      for (const user of [...suspects.keys()]) judge(user, leaving)
    },
  }
}

function byGateway(sessions: readonly UserSession[]): Map<GatewayId, SessionId[]> {
  const found = new Map<GatewayId, SessionId[]>()
  for (const { gateway, session } of sessions) {
    const known = found.get(gateway)
    if (known === undefined) found.set(gateway, [session])
    else known.push(session)
  }
  return found
}

const encoder = new TextEncoder()

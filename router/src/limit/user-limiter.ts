// Holds the limit of connections for each user over the whole cluster: tells gateways which sessions to close with 4030. Every
// owner of a user's shard chooses the same ones, so two that act do no harm.
import {
  encodeControl,
  type GatewayId,
  type Instance,
  overLimit,
  type SessionId,
  type Subjects,
  type UserName,
  type UsersView,
} from '@sluice/proto'
import type { NatsPort } from '@sluice/service/jetstream/port'

/** See {@link createUserLimiter}. */
export interface UserLimiterOptions {
  readonly nats: Pick<NatsPort, 'publish'>
  readonly subjects: Subjects
  readonly users: Pick<UsersView, 'sessionsOf'>
  readonly connectionsMax: number
  readonly close: 'oldest' | 'newest'
  readonly draining: () => ReadonlySet<Instance>
  readonly counters: { limitCloses: number }
}

/** Holds the limit. */
export interface UserLimiter {
  /** A user has gained a connection. */
  check(user: UserName): void
  /** Looks again at those who were over the limit: a message of control may be lost. Called once a second. */
  recheck(): void
}

/** Users looked at again; more than that over their limit at once is an attack that gateways' own limits meet. */
const SUSPECTS_MAX = 10_000

/** Makes the limiter of a router. */
export function createUserLimiter(options: UserLimiterOptions): UserLimiter {
  const { nats, subjects, users, connectionsMax, close, draining, counters } = options
  const suspects = new Set<UserName>()

  function check(user: UserName): void {
    const over = overLimit(users.sessionsOf(user), connectionsMax, close, draining())
    if (over.length === 0) {
      suspects.delete(user)
      return
    }
    if (suspects.size < SUSPECTS_MAX) suspects.add(user)
    const byGateway = new Map<GatewayId, SessionId[]>()
    for (const { gateway, session } of over) byGateway.set(gateway, [...(byGateway.get(gateway) ?? []), session])
    for (const [gateway, sessions] of byGateway) {
      const control = encodeControl({
        verb: 'close',
        sessions,
        code: 4030,
        reason: 'too many connections of this user',
      })
      nats.publish(subjects.control(gateway), encoder.encode(control))
      counters.limitCloses += sessions.length
    }
  }

  return {
    check,
    recheck() {
      for (const user of suspects) check(user)
    },
  }
}

const encoder = new TextEncoder()

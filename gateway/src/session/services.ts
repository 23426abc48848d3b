// Puts together what this gateway has to do with backend services: the questions that it asks them, and the rights that they give.
import type { Namespaces, Subjects } from '@sluice/proto'
import type { Backplane } from '../backplane/backplane.ts'
import { createServiceAsks, type ServiceAsks } from '../backplane/service-asks.ts'
import type { Topics } from '../fanout/topics.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Presence } from '../presence/presence.ts'
import { createAuthoriser } from '../rights/authoriser.ts'
import { type ConnectionRights, createConnectionRights } from '../rights/connection-rights.ts'
import { createRights, type Rights } from '../rights/rights.ts'
import type { Connection } from './connection.ts'
import { expel } from './expel.ts'
import { closeRefused } from './refused-connection.ts'
import type { Wire } from './wire.ts'

/** See {@link createServices}. */
export interface ServicesOptions {
  readonly backplane: Backplane
  readonly subjects: Subjects
  readonly topics: Topics
  readonly wire: Wire
  /** Null while no namespace has it, and until it has begun. */
  readonly presence: () => Presence | null
  readonly namespaces: () => Namespaces
  readonly payloadBytesMax: number
  readonly roomsMax: number
  readonly nowMs: () => number
  readonly tickMs: number
  readonly counters: Counters
}

/** What sessions do with services. */
export interface Services {
  readonly asks: ServiceAsks
  readonly rights: Rights
  /** Asked where the configuration says so. */
  readonly connectionRights: ConnectionRights
  /** A connection is gone: so are its questions and its rights. */
  forget(connection: Connection): void
  /** Asks again where rights have ended; called at a steady pace. */
  tick(): void
}

/** Questions that wait at once: some kilobytes each. */
const PENDING_MAX = 10_000

/** Makes it. */
export function createServices(options: ServicesOptions): Services {
  const { backplane, subjects, topics, wire, presence, namespaces, payloadBytesMax, counters } = options
  const asks = createServiceAsks({ backplane, payloadBytesMax, pendingMax: PENDING_MAX })
  const authoriser = createAuthoriser({ asks, subjects, counters })
  const { nowMs, tickMs } = options
  const steady = { authoriser, nowMs, tickMs, connected: () => backplane.connected }
  const rights: Rights = createRights({
    ...steady,
    pending: () => asks.pending,
    decides: ({ namespace }) => namespaces()[namespace]?.join.who === 'service',
    roomsMax: options.roomsMax,
    onRenewed: (connection) => presence()?.refreshed(connection),
    onEnded: (connection, room, why) => void expel(connection, room, why, { topics, subjects, presence, rights, wire }),
  })
  const connectionRights = createConnectionRights({
    ...steady,
    onEnded: (connection, why) => closeRefused(wire, connection, why),
  })
  return {
    asks,
    rights,
    connectionRights,
    tick() {
      rights.tick()
      connectionRights.tick()
    },
    forget(connection) {
      asks.forget(connection)
      rights.forget(connection)
      connectionRights.forget(connection)
    },
  }
}

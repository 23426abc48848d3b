// The right to be connected at all, where the configuration lets a service decide that: asked at each sign-in and refresh, and again
// when the answer ends. Keeps only what ends; closes nothing itself.
import { type GivenRight, RIGHT_MS_MIN } from '@sluice/proto'
import type { Principal } from '../accept/authenticate/principal.ts'
import { createWheel, type Wheeled } from '../heartbeat/wheel.ts'
import type { Refusal } from '../session/answer.ts'
import type { Connection } from '../session/connection.ts'
import { isRefusal } from '../session/targets.ts'
import type { Authoriser } from './authoriser.ts'

/** See {@link createConnectionRights}. */
export interface ConnectionRightsOptions {
  readonly authoriser: Pick<Authoriser, 'connect'>
  /** Whether NATS can be reached: while it can't, a right that has ended is kept. */
  readonly connected: () => boolean
  readonly nowMs: () => number
  /** The time between two calls of {@link ConnectionRights.tick}. */
  readonly tickMs: number
  /** The right was not given again. */
  readonly onEnded: (connection: Connection, why: Refusal) => void
}

/** The rights of connections to be there. */
export interface ConnectionRights {
  /** Null if a service allows it; from then on the right is kept until the connection is forgotten. */
  ask(connection: Connection, principal: Principal): Promise<Refusal | null>
  /** It is gone. */
  forget(connection: Connection): void
  /** Asks again where a right has ended; called at a steady pace. */
  tick(): void
}

interface Held extends Wheeled {
  readonly connection: Connection
  readonly endsAt: number
}

/** Two minutes of ticks; what ends later is looked at on the way. */
const WHEEL_SLOTS = 512
/** Until the next try of a renewal that NATS could not take. */
const RETRY_MS = 1000

/** Makes it. */
export function createConnectionRights(options: ConnectionRightsOptions): ConnectionRights {
  const { authoriser, connected, nowMs, tickMs, onEnded } = options
  const wheel = createWheel<Held>(WHEEL_SLOTS)
  const held = new Map<Connection, Held>()

  function forget(connection: Connection): void {
    const known = held.get(connection)
    if (known === undefined) return
    wheel.cancel(known)
    held.delete(connection)
  }

  function keep(connection: Connection, { ttlMs }: GivenRight): void {
    forget(connection)
    if (ttlMs === null) return
    const right = { connection, endsAt: nowMs() + Math.max(ttlMs, RIGHT_MS_MIN), wheelSlot: -1, wheelAt: 0 }
    held.set(connection, right)
    schedule(right)
  }

  function schedule(right: Held): void {
    wheel.schedule(right, (right.endsAt - nowMs()) / tickMs)
  }

  async function renew(right: Held): Promise<void> {
    const { connection } = right
    if (connection.principal === null) return
    const given = await authoriser.connect(connection, connection.principal)
    // It may be gone, or a refresh may have brought another right.
    if (held.get(connection) !== right) return
    if (!isRefusal(given)) keep(connection, given)
    else if (given.code === 'unavailable' && !connected()) wheel.schedule(right, RETRY_MS / tickMs)
    else onEnded(connection, given)
  }

  return {
    async ask(connection, principal) {
      const given = await authoriser.connect(connection, principal)
      if (isRefusal(given)) return given
      keep(connection, given)
      return null
    },
    forget,
    tick() {
      for (const right of wheel.advance()) {
        if (nowMs() < right.endsAt) schedule(right)
        else void renew(right)
      }
    },
  }
}

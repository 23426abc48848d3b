// What a change of a view is as an event for backends. Pure.
import type { EventCause, GatewayId, Instance, MemberChange, PresenceEvent, ShardScope } from '@sluice/proto'
import type { RoomStep } from '../shards/room-shard.ts'
import type { Cause } from '../shards/shard.ts'
import type { UserStep } from '../shards/user-shard.ts'

/** An event with what made it. */
export interface CausedEvent {
  readonly event: PresenceEvent
  readonly cause: EventCause
}

/** What events are told with. */
export interface EventContext {
  /** The process behind an instance: sessions and control are named by it. */
  readonly gatewayOf: (instance: Instance) => GatewayId
  /** Wall time in milliseconds. */
  readonly now: number
}

/** Joins and leaves of a room, then that it is occupied or empty now. */
export function memberEvents({ held, changes, countBefore, cause }: RoomStep, context: EventContext): CausedEvent[] {
  const room = held.room.name
  const told = (kind: MemberChange['kind'] | 'occupied' | 'empty', change: MemberChange): CausedEvent => ({
    event: { kind, user: change.member.user, room, ...common(change, cause, context) } as PresenceEvent,
    cause: causeOf(change, cause),
  })
  const events = changes.map((change) => told(change.kind, change))
  if (countBefore === 0 && held.view.count > 0) {
    const first = changes.find(({ kind }) => kind === 'joined')
    if (first !== undefined) events.push(told('occupied', first))
  }
  if (countBefore > 0 && held.view.count === 0) {
    const last = changes.findLast(({ kind }) => kind === 'left')
    if (last !== undefined) events.push(told('empty', last))
  }
  return events
}

/** Connections that came or went. */
export function sessionEvents({ changes, cause }: UserStep, context: EventContext): CausedEvent[] {
  return changes.map((change) => {
    const { kind, user, session, connections } = change
    const { gateway, ...rest } = { ...common(change, cause, context), gateway: session.gateway }
    return {
      event: { kind, user, session: session.session, connections, gateway, ...rest },
      cause: causeOf(change, cause),
    }
  })
}

/** That events of a shard may be missing before this one. */
export function resyncEvent(scope: ShardScope, shard: number, revision: number, now: number): CausedEvent {
  return { event: { kind: 'resync', scope, shard, at: now, revision }, cause: { kind: 'entry', revision } }
}

interface Changed {
  readonly kind: string
  readonly revision: number
  readonly asOf: number
  readonly instances: readonly Instance[]
}

const ENDS: ReadonlySet<string> = new Set(['left', 'disconnected'])

function common({ kind, asOf, instances }: Changed, cause: Cause, { gatewayOf, now }: EventContext) {
  return {
    gateway: gatewayOf(instances[0] ?? ''),
    at: now,
    ...(cause !== null && ENDS.has(kind) ? { reason: 'expired' } : {}),
    revision: asOf,
  }
}

function causeOf({ instances, revision }: Changed, cause: Cause): EventCause {
  return cause === null ? { kind: 'entry', revision } : cause(instances, revision)
}

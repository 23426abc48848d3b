// What a change of a view is as an event for backends. Pure.
import type {
  EventCause,
  GatewayId,
  Instance,
  MemberChange,
  PresenceEvent,
  RoomName,
  SessionChange,
} from '@sluice/proto'

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
  /** A lease that changed the counting; null where entries did, and each change names its own revision. */
  readonly cause: EventCause | null
}

/** Joins and leaves of a room, and that it is occupied or empty now. */
export function memberEvents(
  room: RoomName,
  changes: readonly MemberChange[],
  counts: { readonly before: number; readonly after: number },
  context: EventContext,
): CausedEvent[] {
  const events = changes.map(({ kind, member, revision, asOf, instances }): CausedEvent => {
    const event = { kind, user: member.user, room, ...common(instances, asOf, context) }
    return { event, cause: context.cause ?? { kind: 'entry', revision } }
  })
  const edge = edgeOf(counts)
  const of =
    edge === null ? undefined : changes.findLast(({ kind }) => kind === (edge === 'occupied' ? 'joined' : 'left'))
  if (edge === null || of === undefined) return events
  const event = { kind: edge, user: of.member.user, room, ...common(of.instances, of.asOf, context) }
  return [...events, { event, cause: context.cause ?? { kind: 'entry', revision: of.revision } }]
}

/** Connections that came or went. */
export function sessionEvents(changes: readonly SessionChange[], context: EventContext): CausedEvent[] {
  return changes.map(({ kind, user, session, connections, revision, asOf, instances }): CausedEvent => {
    const event = {
      kind,
      user,
      session: session.session,
      connections,
      ...common(instances, asOf, context),
      gateway: session.gateway,
    }
    return { event, cause: context.cause ?? { kind: 'entry', revision } }
  })
}

function edgeOf({ before, after }: { readonly before: number; readonly after: number }): 'occupied' | 'empty' | null {
  if ((before === 0) === (after === 0)) return null
  return after === 0 ? 'empty' : 'occupied'
}

function common(instances: readonly Instance[], asOf: number, { gatewayOf, now, cause }: EventContext) {
  return {
    gateway: gatewayOf(instances[0] ?? ''),
    at: now,
    ...(cause?.kind === 'lease' ? { reason: 'expired' } : {}),
    revision: asOf,
  }
}

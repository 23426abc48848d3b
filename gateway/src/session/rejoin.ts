// The first `join` of a room that a connection was put into, by its token or by a service: it needs no further right, changes nothing for
// others, and brings what a `join` brings. A second one is as any other.
import type { ClientFrameOf, Room } from '@sluice/proto'
import { type Answer, ok, refusal, unavailable } from './answer.ts'
import { namespaceOf } from './authorise.ts'
import { enterRoom, type MembershipOptions } from './membership.ts'
import type { SignedIn } from './publish.ts'
import { isRefusal } from './targets.ts'

/** Handles it; null where the connection was not put into the room, or has joined it since. */
export function rejoin(
  connection: SignedIn,
  frame: ClientFrameOf<'join'>,
  room: Room,
  options: MembershipOptions,
): Answer | Promise<Answer> | null {
  if (connection.added?.includes(room.name) !== true) return null
  const { topics, subjects, namespaces, presence } = options
  const settings = namespaceOf(namespaces(), room)
  if (isRefusal(settings)) return settings
  const { history } = settings
  if (!history && (frame.since !== undefined || frame.history !== undefined))
    return refusal('not_enabled', `join: history is off in ${room.namespace}`)
  if (frame.presence === true && !settings.presence)
    return refusal('not_enabled', `join: presence is off in ${room.namespace}`)
  const topic = topics.find(subjects.room(room))
  const held = topic !== undefined && connection.topics.includes(topic)
  // Without a history nothing would bring what is missed between leaving and coming back.
  if (held && !history) return watch(connection, frame, room, options)
  if (held) topics.leave(connection, topic)
  return Promise.resolve(enterRoom(connection, frame, room, settings, options)).then((answer) => {
    // Where it fails it may be tried again, with the same position.
    if (answer.ok) joined(connection, room)
    else presence()?.left(connection, room)
    return answer
  })
}

function watch(
  connection: SignedIn,
  frame: ClientFrameOf<'join'>,
  room: Room,
  options: MembershipOptions,
): Answer | Promise<Answer> {
  if (frame.presence !== true) {
    joined(connection, room)
    return ok()
  }
  const presence = options.presence()
  if (presence === null) return unavailable('presence is away')
  return presence.prepareWatch(connection, room).then((view) => {
    if (view === null) return unavailable('presence is away')
    joined(connection, room)
    return ok(presence.beginWatch(connection, view))
  })
}

function joined(connection: SignedIn, room: Room): void {
  connection.added = connection.added?.filter((name) => name !== room.name) ?? null
}

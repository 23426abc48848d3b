// Whether a user may do something in a room or to a user: namespaces and grants, nothing else. Pure. Step 2 of the message path.
import {
  grantedRooms,
  grantsName,
  grantsRoom,
  isAllRooms,
  type NamespaceSettings,
  type Namespaces,
  type Room,
  type UserName,
} from '@sluice/proto'
import type { Principal } from '../accept/authenticate/principal.ts'
import { type Refusal, refusal } from './answer.ts'
import { isGrantedAll } from './wildcard.ts'

/** The namespace of a room, or why there is none. */
export function namespaceOf(namespaces: Namespaces, room: Room): NamespaceSettings | Refusal {
  const settings = Object.hasOwn(namespaces, room.namespace) ? namespaces[room.namespace] : undefined
  return settings ?? refusal('unknown_namespace', `no namespace ${room.namespace}`)
}

/** Null if the user may join or publish, `ask` where a service decides that, else the refusal. */
export function roomRefusal(
  action: 'join' | 'publish',
  settings: NamespaceSettings,
  room: Room,
  principal: Principal,
): Refusal | 'ask' | null {
  switch (settings[action].who) {
    case 'anyone':
      return null
    case 'granted': {
      const granted = isAllRooms(room) ? isGrantedAll(room, principal) : isGranted(action, room, principal)
      return granted ? null : refusal('forbidden', `${action}: not granted in ${room.name}`)
    }
    case 'service':
      return 'ask'
  }
}

function isGranted(action: 'join' | 'publish', room: Room, principal: Principal): boolean {
  const { grants, user } = principal
  return grantsRoom(grants[action], room, user) || (action === 'join' && isPlaced(principal, room))
}

/** Whether the token puts its user into the room, which is a right to be there. */
function isPlaced({ grants, user }: Principal, room: Room): boolean {
  return grantedRooms(grants.rooms, user, Number.MAX_SAFE_INTEGER).some(({ name }) => name === room.name)
}

/** Null if the user may send to another user, else the refusal. */
export function sendRefusal(to: UserName, principal: Principal): Refusal | null {
  return grantsName(principal.grants.send, to, principal.user)
    ? null
    : refusal('forbidden', `send: not granted to ${to}`)
}

/**
 * Null if the user may send to a connection. Whose it is can't be known here, so only who may send to everyone can, and anyone
 * to the own connection.
 */
export function sessionRefusal(session: string, own: string, principal: Principal): Refusal | null {
  if (session === own || principal.grants.send?.includes('*')) return null
  return refusal('forbidden', 'send: a session needs the grant for every user')
}

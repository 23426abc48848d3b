// The answers to services, from what this router knows. Pure; who is asked and when to stay silent is endpoints.ts's.
import {
  API_ANSWER_BYTES_MAX,
  API_ROOMS_MAX,
  type ApiAnswerOf,
  type ApiRequestOf,
  type GatewayId,
  LIMITS,
  type Live,
  parseRoom,
  ROOM_MEMBERS_MAX,
  type Room,
  type RoomName,
  type UsersView,
} from '@sluice/proto'
import type { ViewedRoom } from '../views/presence-views.ts'

/** What answers are made of. */
export interface Known {
  readonly rooms: ReadonlyMap<RoomName, ViewedRoom>
  readonly users: UsersView
  /** Live gateways. */
  readonly gateways: () => readonly Live[]
}

/** A request's room: the schema has checked that it is one. */
export function roomOf(raw: string): Room {
  const room = parseRoom(raw, LIMITS.nameBytesMax.max)
  if (room === null) throw new RangeError('a room was not parsed before')
  return room
}

/** Who is in a room. */
export function presenceAnswer(known: Known, { room: raw, limit }: ApiRequestOf<'presence'>): ApiAnswerOf<'presence'> {
  const { name } = roomOf(raw)
  const view = known.rooms.get(name)?.view
  const members: ApiAnswerOf<'presence'>['members'] = []
  let bytes = 0
  for (const member of view?.members ?? []) {
    // Measured only where it can matter: a thousand members without info are far below the bound.
    bytes += member.info === undefined ? ENVELOPE_BYTES : ENVELOPE_BYTES + 3 * JSON.stringify(member.info).length
    if (members.length >= (limit ?? ROOM_MEMBERS_MAX) || bytes > API_ANSWER_BYTES_MAX) break
    members.push({ ...member })
  }
  const count = view?.count ?? 0
  return {
    room: name,
    count,
    connections: view?.connections ?? 0,
    members,
    ...(members.length < count ? { truncated: true } : {}),
  }
}

/** A member without info: names of 128 bytes, escaped at worst, and the fields' names. */
const ENVELOPE_BYTES = 800

/** How many are in rooms. */
export function countAnswer(known: Known, { rooms }: ApiRequestOf<'count'>): ApiAnswerOf<'count'> {
  const counts = rooms.map((raw) => {
    const { name } = roomOf(raw)
    const view = known.rooms.get(name)?.view
    return [name, { members: view?.count ?? 0, connections: view?.connections ?? 0 }] as const
  })
  return { counts: Object.fromEntries(counts) }
}

/** The occupied rooms of a namespace, page by page. */
export function roomsAnswer(
  known: Known,
  { namespace, after, limit = ROOM_MEMBERS_MAX }: ApiRequestOf<'rooms'>,
): ApiAnswerOf<'rooms'> {
  const from = after === undefined ? '' : roomOf(after).name
  const names: RoomName[] = []
  for (const { room, view } of known.rooms.values()) {
    if (room.namespace === namespace && view.count > 0 && room.name > from) names.push(room.name)
  }
  names.sort()
  const listed = names.slice(0, limit)
  const last = listed.at(-1)
  return {
    rooms: listed.map((room) => {
      const view = known.rooms.get(room)?.view
      return { room, members: view?.count ?? 0, connections: view?.connections ?? 0 }
    }),
    ...(names.length > listed.length && last !== undefined ? { next: last } : {}),
  }
}

/** Where a user is. */
export function userAnswer(known: Known, { user }: ApiRequestOf<'user'>): ApiAnswerOf<'user'> {
  const sessions = known.users.sessionsOf(user)
  const rooms: RoomName[] = []
  for (const { room, view } of known.rooms.values()) if (view.get(user) !== null) rooms.push(room.name)
  return {
    user,
    connections: sessions.length,
    sessions: sessions.map(({ session, gateway, since }) => ({ session, gateway, since })),
    rooms: rooms.sort().slice(0, API_ROOMS_MAX),
  }
}

/** The gateways. */
export function gatewaysAnswer(known: Known): ApiAnswerOf<'gateways'> {
  return {
    gateways: known.gateways().map(({ instance, value }) => ({
      gateway: value.gateway ?? (instance as GatewayId),
      name: value.name,
      connections: value.connections ?? 0,
      // A dead one is not among the live.
      state: value.state === 'dead' ? 'draining' : value.state,
      version: value.version,
    })),
  }
}

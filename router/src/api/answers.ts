// The answers to services, from shards that are held here. Pure; who is asked, what is gathered from others and when to stay silent
// is endpoints.ts's.
import {
  API_ANSWER_BYTES_MAX,
  API_ROOMS_MAX,
  type ApiAnswerOf,
  ENTRY_SESSIONS_MAX,
  type GatewayId,
  LIMITS,
  type Live,
  parseRoom,
  ROOM_MEMBERS_MAX,
  type Room,
  type RoomCount,
  type RoomName,
  type UserName,
  type ViewMember,
} from '@sluice/proto'
import type { RoomShard } from '../shards/room-shard.ts'
import type { UserShard } from '../shards/user-shard.ts'

/** A request's room: the schema has checked that it is one. */
export function roomOf(raw: string): Room {
  const room = parseRoom(raw, LIMITS.nameBytesMax.max)
  if (room === null) throw new RangeError('a room was not parsed before')
  return room
}

/** Who is in a room. */
export function presenceAnswer(shard: RoomShard, { name }: Room, limit = ROOM_MEMBERS_MAX): ApiAnswerOf<'presence'> {
  const view = shard.rooms.get(name)?.view
  const members: ViewMember[] = []
  let bytes = ENVELOPE_BYTES
  for (const member of view?.members ?? []) {
    bytes += bytesOf(member)
    if (members.length >= limit || bytes > API_ANSWER_BYTES_MAX) break
    members.push(member)
  }
  const count = view?.count ?? 0
  return {
    room: name,
    count,
    connections: view?.connections ?? 0,
    members: members.map((member) => ({ ...member })),
    ...(members.length < count ? { truncated: true } : {}),
  }
}

/** How many are in a room. */
export function roomCount(shard: RoomShard, room: RoomName): RoomCount {
  const view = shard.rooms.get(room)?.view
  return { room, members: view?.count ?? 0, connections: view?.connections ?? 0 }
}

/** The sessions of a user; its rooms are in other shards. */
export function userAnswer(shard: UserShard, user: UserName, rooms: readonly RoomName[]): ApiAnswerOf<'user'> {
  const sessions = shard.view.sessionsOf(user)
  return {
    user,
    connections: sessions.length,
    sessions: sessions.slice(0, ENTRY_SESSIONS_MAX).map(({ session, gateway, since }) => ({ session, gateway, since })),
    rooms: rooms.slice(0, API_ROOMS_MAX),
  }
}

/** The gateways. One that has lost its lease a moment ago is there once, as it is now. */
export function gatewaysAnswer(leases: readonly Live[]): ApiAnswerOf<'gateways'> {
  const gateways = new Map<GatewayId, Live>()
  for (const lease of leases) {
    const gateway = lease.value.gateway ?? (lease.instance as GatewayId)
    const known = gateways.get(gateway)
    if (known === undefined || known.revision < lease.revision) gateways.set(gateway, lease)
  }
  return {
    gateways: [...gateways].map(([gateway, { value }]) => ({
      gateway,
      name: value.name,
      connections: value.connections ?? 0,
      // A dead one is not among the live.
      state: value.state === 'dead' ? 'draining' : value.state,
      version: value.version,
    })),
  }
}

/** The field names of a member, and what stands around all of them. */
const MEMBER_BYTES = 48
const ENVELOPE_BYTES = 1024

function bytesOf({ user, info }: ViewMember): number {
  const infoBytes = info === undefined ? 0 : Buffer.byteLength(JSON.stringify(info))
  return MEMBER_BYTES + Buffer.byteLength(JSON.stringify(user)) + infoBytes
}

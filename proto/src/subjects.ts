// Every NATS subject that Sluice uses, built and taken apart here and nowhere else; those of keys in buckets stand on these in
// presence/buckets.ts. The prefix comes from the configuration, so two installations can share one account.
import type { GatewayId, Room, UserName } from './names.ts'
import type { ApiVerb } from './presence/api.ts'
import type { MemberEventKind, RoomEventKind, ShardScope, UserEventKind } from './presence/event-kinds.ts'
import type { AuthorizedAction } from './services/authorize.ts'
import type { Method } from './services/methods.ts'
import { encodeToken } from './tokens.ts'

/** What a configured prefix may be: one subject token without escapes. */
export const PREFIX_PATTERN = /^[A-Za-z0-9_-]{1,32}$/

/** The prefix of an installation that configures none. */
export const DEFAULT_PREFIX = 'sluice'

/** Builds the subjects of one installation. */
export interface Subjects {
  /** Live delivery to a room's members; whatever is published here is ephemeral. */
  room(room: Pick<Room, 'namespace' | 'local'>): string
  /** {@link room} of all rooms of a namespace: what is subscribed to for a wildcard. */
  rooms(namespace: string): string
  /** Live delivery to every connection of a user. */
  user(user: UserName): string
  /** Stores a message of a room; its stream republishes it to {@link liveRoom}. */
  publishRoom(room: Pick<Room, 'namespace' | 'local'>): string
  /** Stores a message of a user's inbox; its stream republishes it to {@link liveUser}. */
  publishUser(user: UserName): string
  /** Stored messages of a room with their positions. Streams alone publish here. */
  liveRoom(room: Pick<Room, 'namespace' | 'local'>): string
  /** {@link liveRoom} of all rooms of a namespace. */
  liveRooms(namespace: string): string
  /** Stored messages of a user's inbox with their positions. Streams alone publish here. */
  liveUser(user: UserName): string
  /** Live delivery to one connection. */
  session(gateway: GatewayId, number: number): string
  /** All connections of one gateway: what that gateway subscribes to. */
  sessions(gateway: GatewayId): string
  /** The loop-back of a gateway's readiness probe: connection 0, which no socket ever has. */
  probe(gateway: GatewayId): string
  /** A client's `call`, which services answer. */
  call(method: Method): string
  /** Whether a user may do something in the rooms of a namespace, which a service answers. */
  authorize(action: AuthorizedAction, namespace: string): string
  /** Whether a user may connect, which a service answers. */
  authorizeConnect(): string
  /** A question of a service, which routers answer. */
  api(verb: ApiVerb): string
  /** Control of all gateways. */
  controlAll(): string
  /** Control of one gateway. */
  control(gateway: GatewayId): string
  /** Where gateways tell to whom a message was delivered that asks for a receipt. */
  receipt(id: string): string
  /** What one router asks all routers, for an answer that spans shards; and what gateways tell them of streams that were rolled back. */
  gather(): string
  /** A user has come online with a connection, or has one less. */
  userEvent(kind: UserEventKind, user: UserName): string
  /** A user has joined a room or left it. */
  memberEvent(kind: MemberEventKind, room: Pick<Room, 'namespace' | 'local'>, user: UserName): string
  /** A room has its first member, or none any more. */
  roomEvent(kind: RoomEventKind, room: Pick<Room, 'namespace' | 'local'>): string
  /** Events of a shard may have been missed. */
  resyncEvent(scope: ShardScope, shard: number): string
  /** All events: the subjects of their stream. */
  events(): string
  /** A lease, or all that a filter of keys fits, as its bucket republishes it. */
  lease(keyOrFilter: string): string
  /** An entry, or all that a filter of keys fits, as its bucket republishes it. */
  presence(keyOrFilter: string): string
  /** Which tokens are not let in any more, as its bucket republishes it. */
  revoked(keyOrFilter: string): string
}

/**
 * @param prefix - matches {@link PREFIX_PATTERN}; asserted, as the configuration has checked it before
 */
export function createSubjects(prefix: string): Subjects {
  if (!PREFIX_PATTERN.test(prefix)) throw new RangeError(`prefix must match ${PREFIX_PATTERN}: ${prefix}`)
  const tokensOf = ({ namespace, local }: Pick<Room, 'namespace' | 'local'>): string =>
    `${encodeToken(namespace)}.${encodeToken(local)}`
  return {
    room: (room) => `${prefix}.room.${tokensOf(room)}`,
    rooms: (namespace) => `${prefix}.room.${encodeToken(namespace)}.*`,
    user: (user) => `${prefix}.user.${encodeToken(user)}`,
    publishRoom: (room) => `${prefix}.pub.room.${tokensOf(room)}`,
    publishUser: (user) => `${prefix}.pub.user.${encodeToken(user)}`,
    liveRoom: (room) => `${prefix}.live.room.${tokensOf(room)}`,
    liveRooms: (namespace) => `${prefix}.live.room.${encodeToken(namespace)}.*`,
    liveUser: (user) => `${prefix}.live.user.${encodeToken(user)}`,
    session: (gateway, number) => `${prefix}.session.${gateway}.${number}`,
    sessions: (gateway) => `${prefix}.session.${gateway}.*`,
    probe: (gateway) => `${prefix}.session.${gateway}.0`,
    call: (method) => `${prefix}.call.${method.split('.').map(encodeToken).join('.')}`,
    authorize: (action, namespace) => `${prefix}.authorize.${action}.${encodeToken(namespace)}`,
    authorizeConnect: () => `${prefix}.authorize.connect`,
    api: (verb) => `${prefix}.api.${verb}`,
    controlAll: () => `${prefix}.ctl.all`,
    control: (gateway) => `${prefix}.ctl.gateway.${gateway}`,
    receipt: (id) => `${prefix}.ctl.receipt.${id}`,
    gather: () => `${prefix}.ctl.routers`,
    userEvent: (kind, user) => `${prefix}.event.${kind}.${encodeToken(user)}`,
    memberEvent: (kind, room, user) => `${prefix}.event.${kind}.${tokensOf(room)}.${encodeToken(user)}`,
    roomEvent: (kind, room) => `${prefix}.event.${kind}.${tokensOf(room)}`,
    resyncEvent: (scope, shard) => `${prefix}.event.resync.${scope}.${shard}`,
    events: () => `${prefix}.event.>`,
    lease: (keyOrFilter) => `${prefix}.lease.${keyOrFilter}`,
    presence: (keyOrFilter) => `${prefix}.presence.${keyOrFilter}`,
    revoked: (keyOrFilter) => `${prefix}.revoked.${keyOrFilter}`,
  }
}

const sessionSubject = /\.(0|[1-9][0-9]{0,15})$/

/**
 * The connection's number in a subject of the form {@link Subjects.session}.
 *
 * @returns null where the last token is no number as {@link Subjects.session} writes it: anyone may publish anything below the
 * gateway's wildcard
 */
export function sessionNumber(subject: string): number | null {
  const digits = sessionSubject.exec(subject)?.[1]
  if (digits === undefined) return null
  const number = Number(digits)
  return Number.isSafeInteger(number) ? number : null
}

// The keys of leases and entries in their buckets, built and taken apart here and nowhere else. Every name in them is one
// token; a key that this file would not have written is none. Filters are keys with wildcards; which subject a key has in a
// bucket is buckets.ts's business.
import { LIMITS } from '../limits.ts'
import { DEFAULT_NAMESPACE, parseRoom, type Room, type UserName } from '../names.ts'
import { decodeToken, encodeToken } from '../tokens.ts'
import { ROOM_SHARDS, shardOf, USER_SHARDS } from './shards.ts'

/** An instance of a process: `[A-Za-z0-9_-]`, new at each start and for each lease that was lost, never used again. */
export type Instance = string

/** The tiers that hold leases. */
export type Tier = 'gateway' | 'router'

/** Names an entry of a room. */
export interface RoomEntryId {
  readonly room: Pick<Room, 'namespace' | 'local'>
  readonly instance: Instance
  /** 0 to {@link CHUNK_MAX}. */
  readonly chunk: number
}

/** What the key of a room's entry says. */
export interface ParsedRoomEntry extends RoomEntryId {
  readonly room: Room
  readonly shard: number
}

/** Names an entry of the directory of users. */
export interface UserEntryId {
  /** 0 to 1023, by {@link userShard}. */
  readonly shard: number
  readonly instance: Instance
  /** 0 to {@link CHUNK_MAX}. */
  readonly chunk: number
}

/** The highest number of a chunk: more than any gateway has connections for. */
export const CHUNK_MAX = 9999

/** What an instance may be called. */
export const INSTANCE_PATTERN = /^[A-Za-z0-9_-]{1,64}$/

/** The shard of a room, by the token of its local name alone. */
export function roomShard({ local }: Pick<Room, 'local'>): number {
  return shardOf(encodeToken(local), ROOM_SHARDS)
}

/** The shard of the directory that a user belongs to. */
export function userShard(user: UserName): number {
  return shardOf(encodeToken(user), USER_SHARDS)
}

/** The key of a lease. */
export function leaseKey(tier: Tier, instance: Instance): string {
  return `${tier}.${asserted(instance)}`
}

/** The key of a room's entry. */
export function roomEntryKey({ room, instance, chunk }: RoomEntryId): string {
  return `${roomPrefix(room)}.${asserted(instance)}.${chunk}`
}

/** The key of an entry of the directory of users. */
export function userEntryKey({ shard, instance, chunk }: UserEntryId): string {
  return `user.${shard}.${asserted(instance)}.${chunk}`
}

/** Filters of keys, for followers and for the one who purges. */
export const keyFilters = {
  /** All entries, or all leases. */
  all: () => '>',
  /** All leases of a tier. */
  tier: (tier: Tier) => `${tier}.*`,
  /** The entries of one room. */
  room: (room: Pick<Room, 'namespace' | 'local'>) => `${roomPrefix(room)}.*.*`,
  /** The entries of all rooms of a shard. */
  roomShard: (shard: number) => `room.${shard}.>`,
  /** The entries of a shard of the directory. */
  userShard: (shard: number) => `user.${shard}.>`,
  /** What an instance has written into a shard of rooms, or into all of them. */
  instanceRooms: (shard: number | '*', instance: Instance) => `room.${shard}.*.*.${asserted(instance)}.*`,
  /** What an instance has written into a shard of the directory, or into all of them. */
  instanceUsers: (shard: number | '*', instance: Instance) => `user.${shard}.${asserted(instance)}.*`,
} as const

/** Takes the key of a lease apart; null if it is none. */
export function parseLeaseKey(key: string): { readonly tier: Tier; readonly instance: Instance } | null {
  const [tier, instance = '', ...rest] = key.split('.')
  if ((tier !== 'gateway' && tier !== 'router') || !INSTANCE_PATTERN.test(instance) || rest.length > 0) return null
  return { tier, instance }
}

/** Takes the key of a room's entry apart; null if it is none, or stands in a shard that the room does not belong to. */
export function parseRoomEntryKey(key: string): ParsedRoomEntry | null {
  const [kind, shardDigits = '', namespaceToken = '', localToken = '', instance = '', chunkDigits = '', ...rest] =
    key.split('.')
  if (kind !== 'room' || rest.length > 0 || !INSTANCE_PATTERN.test(instance)) return null
  const room = roomOf(namespaceToken, localToken)
  const chunk = integerOf(chunkDigits, CHUNK_MAX)
  if (room === null || chunk === null) return null
  const shard = roomShard(room)
  return shardDigits === String(shard) ? { room, shard, instance, chunk } : null
}

/** Takes the key of an entry of the directory apart; null if it is none. */
export function parseUserEntryKey(key: string): UserEntryId | null {
  const [kind, shardDigits = '', instance = '', chunkDigits = '', ...rest] = key.split('.')
  const shard = integerOf(shardDigits, USER_SHARDS - 1)
  const chunk = integerOf(chunkDigits, CHUNK_MAX)
  if (kind !== 'user' || rest.length > 0 || !INSTANCE_PATTERN.test(instance)) return null
  return shard === null || chunk === null ? null : { shard, instance, chunk }
}

function roomPrefix(room: Pick<Room, 'namespace' | 'local'>): string {
  return `room.${roomShard(room)}.${encodeToken(room.namespace)}.${encodeToken(room.local)}`
}

/** A room from its tokens, by the rules that its name was parsed by; null for what is no room. */
function roomOf(namespaceToken: string, localToken: string): Room | null {
  const namespace = decodeToken(namespaceToken)
  const local = decodeToken(localToken)
  if (namespace === null || local === null) return null
  const short = namespace === DEFAULT_NAMESPACE && !local.includes(':')
  const room = parseRoom(short ? local : `${namespace}:${local}`, LIMITS.nameBytesMax.max)
  // A colon in the namespace would move the border between the two.
  return room?.namespace === namespace ? room : null
}

/** An integer as this file writes it. */
function integerOf(digits: string, max: number): number | null {
  if (!/^(?:0|[1-9][0-9]{0,5})$/.test(digits)) return null
  const integer = Number(digits)
  return integer <= max ? integer : null
}

function asserted(instance: Instance): Instance {
  if (!INSTANCE_PATTERN.test(instance)) throw new RangeError(`an instance matches ${INSTANCE_PATTERN}: ${instance}`)
  return instance
}

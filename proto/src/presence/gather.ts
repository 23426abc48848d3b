// What a router asks all routers for an answer that spans shards, and how their parts make one. Each shard has two owners, and
// one may be frozen or dead: whoever answers first for a shard is believed, and nobody waits for the others. Pure.
import * as z from 'zod/mini'
import { LIMITS } from '../limits.ts'
import { parseRoom, parseUser, type RoomName, type UserName } from '../names.ts'
import { NAMESPACE_PATTERN } from '../namespaces.ts'
import { API_ANSWER_BYTES_MAX, API_ROOMS_MAX, type RoomCount, roomCountSchema } from './api.ts'
import { ROOM_SHARDS } from './shards.ts'
import { readVersioned, type Unversioned, type Versioned, versionField, writeVersioned } from './versioned.ts'

const nameBytesMax = LIMITS.nameBytesMax.max
const room = z.custom<RoomName>((raw) => parseRoom(raw, nameBytesMax)?.name === raw)
const user = z.custom<UserName>((raw) => parseUser(raw, nameBytesMax) !== null)
const limit = z.int().check(z.minimum(1), z.maximum(API_ROOMS_MAX))

/** Requests between routers. */
export const gatherRequestSchema = z.discriminatedUnion('verb', [
  z.object({
    v: versionField,
    verb: z.literal('rooms'),
    namespace: z.string().check(z.regex(NAMESPACE_PATTERN)),
    after: z.optional(room),
    limit,
  }),
  z.object({ v: versionField, verb: z.literal('userRooms'), user, limit }),
])

/** See {@link gatherRequestSchema}. */
export type GatherRequest = Unversioned<z.infer<typeof gatherRequestSchema>>

const shards = z.array(z.int().check(z.minimum(0), z.maximum(ROOM_SHARDS - 1))).check(z.maxLength(ROOM_SHARDS))

/** A part of an answer. */
export const gatherPartSchema = z.object({
  v: versionField,
  /** The shards that it speaks of: those that the router has loaded and owns. */
  shards,
  /** The first `limit` rooms after `after` in all of these shards together, or as many as fit, sorted. */
  rooms: z.array(roomCountSchema).check(z.maxLength(API_ROOMS_MAX)),
  /** There are rooms in these shards after the last one here. */
  more: z.optional(z.boolean()),
  /** The verb is of a later release than the router: it speaks of no shard. */
  code: z.optional(z.literal('unsupported')),
})

/** See {@link gatherPartSchema}. */
export type GatherPart = Unversioned<z.infer<typeof gatherPartSchema>>

/** A request between routers has at most this many bytes. */
export const GATHER_BYTES_MAX = 4096

/** Reads a request of a router; `unsupported` for a verb of a later release. */
export function decodeGatherRequest(bytes: Uint8Array): Versioned<GatherRequest> | 'unsupported' {
  const verb = readVersioned(bytes, GATHER_BYTES_MAX, z.object({ v: versionField, verb: z.string() }))
  if (verb === null || verb === 'newer') return verb
  if (verb.verb !== 'rooms' && verb.verb !== 'userRooms') return 'unsupported'
  return readVersioned(bytes, GATHER_BYTES_MAX, gatherRequestSchema)
}

/** Writes a request to routers. */
export function encodeGatherRequest(request: GatherRequest): string {
  return writeVersioned(request)
}

/** Reads a router's part. */
export function decodeGatherPart(bytes: Uint8Array): Versioned<GatherPart> {
  return readVersioned(bytes, API_ANSWER_BYTES_MAX, gatherPartSchema)
}

/** Writes a part. */
export function encodeGatherPart(part: GatherPart): string {
  return writeVersioned(part)
}

/** Parts on their way to one answer. */
export interface Gathering {
  /** A part has come; whether every shard has been spoken of now. Parts that bring no new shard are ignored. */
  add(part: GatherPart): boolean
  /** The first `limit` rooms of all parts, sorted, each once; `next` where there are more: the last one here. */
  answer(): { readonly rooms: RoomCount[]; readonly next?: RoomName }
  /** Shards that nobody has spoken of yet. */
  readonly missing: readonly number[]
}

/** Begins to gather. */
export function createGathering(limit: number, shards: number = ROOM_SHARDS): Gathering {
  const missing = new Set(Array.from({ length: shards }, (_, shard) => shard))
  const rooms = new Map<RoomName, RoomCount>()
  /** Beyond the last room of a part that has more, that part's shards are unknown. */
  let known: RoomName | null = null
  return {
    add(part) {
      if (part.shards.some((shard) => missing.has(shard))) {
        for (const count of part.rooms) if (!rooms.has(count.room)) rooms.set(count.room, count)
        for (const shard of part.shards) missing.delete(shard)
        const last = part.rooms.at(-1)?.room
        if (part.more === true && last !== undefined && (known === null || last < known)) known = last
      }
      return missing.size === 0
    },
    answer() {
      const within = [...rooms.values()]
        .filter(({ room }) => known === null || room <= known)
        .sort((a, b) => (a.room < b.room ? -1 : 1))
      const listed = within.slice(0, limit)
      const last = listed.at(-1)?.room
      const more = known !== null || within.length > limit
      return { rooms: listed, ...(more && last !== undefined ? { next: last } : {}) }
    },
    get missing() {
      return [...missing]
    },
  }
}

// Lists of rooms, page by page, over the shards that are held here: what a router tells of them when another one gathers. Pure.
import {
  API_ANSWER_BYTES_MAX,
  type GatherPart,
  type GatherRequest,
  type RoomCount,
  type RoomName,
  roomShard,
} from '@sluice/proto'
import type { RoomShard } from '../shards/room-shard.ts'
import { roomCount, roomOf } from './answers.ts'

/** What these shards have to say. */
export function gatherPart(shards: readonly RoomShard[], request: GatherRequest): GatherPart {
  const listed = firstRooms(
    shards.map((shard) => listOf(shard, request)),
    request.limit,
  )
  const byNumber = new Map(shards.map((shard) => [shard.shard, shard]))
  const counts = listed.rooms.flatMap((room) => {
    const shard = byNumber.get(roomShard(roomOf(room)))
    return shard === undefined ? [] : [roomCount(shard, room)]
  })
  const rooms = fitting(counts)
  const more = listed.more || rooms.length < counts.length
  return { shards: shards.map(({ shard }) => shard), rooms, ...(more ? { more: true } : {}) }
}

function listOf(shard: RoomShard, request: GatherRequest): Iterable<RoomName> {
  if (request.verb === 'rooms') return shard.occupiedAfter(request.namespace, request.after ?? '')
  return [...shard.roomsOf(request.user)].sort()
}

/**
 * The first of many names.
 *
 * @param lists - each in order
 * @param limit - at least 1
 */
export function firstRooms(
  lists: Iterable<Iterable<RoomName>>,
  limit: number,
): { readonly rooms: RoomName[]; readonly more: boolean } {
  let kept: RoomName[] = []
  /** The last of the first, once there are enough: what is above it is out, and with it the rest of its list. */
  let bound = null as RoomName | null
  let more = false
  const cut = (): void => {
    kept.sort()
    if (kept.length > limit) more = true
    kept = kept.slice(0, limit)
    if (kept.length === limit) bound = kept.at(-1) ?? null
  }
  for (const list of lists) {
    for (const name of list) {
      if (bound !== null && name > bound) {
        more = true
        break
      }
      if (kept.push(name) >= 2 * limit) cut()
    }
  }
  cut()
  return { rooms: kept, more }
}

const ENVELOPE_BYTES = 1024
/** The field names of a room's counts, and two numbers. */
const COUNT_BYTES = 80

function fitting(counts: readonly RoomCount[]): RoomCount[] {
  let bytes = ENVELOPE_BYTES
  const end = counts.findIndex(({ room }) => {
    bytes += COUNT_BYTES + Buffer.byteLength(JSON.stringify(room))
    return bytes > API_ANSWER_BYTES_MAX
  })
  return counts.slice(0, end === -1 ? counts.length : end)
}

// What each verb does with a request: which shards it is about, whether it is ours to answer, and the answer. Silence (null) is
// what a router answers for shards that others hold.
import {
  API_REVISION_WAIT_MS,
  API_ROOMS_MAX,
  type ApiAct,
  type ApiRequestOf,
  type ApiVerb,
  decodeApiAnswer,
  decodeApiRequest,
  ROOM_MEMBERS_MAX,
  ROOM_SHARDS,
  type RoomName,
  roomShard,
  userShard,
} from '@sluice/proto'
import type { NatsPort } from '@sluice/service/jetstream/port'
import type { Shard } from '../shards/shard.ts'
import { gatewaysAnswer, presenceAnswer, roomCount, roomOf, userAnswer } from './answers.ts'
import type { ApiFailure, ApiReply } from './api-reply.ts'
import { GATHER_WAIT_MS, type GatherOptions, gatherRooms, loadedRooms } from './gather.ts'

/** See {@link answerTo}. */
export interface VerbOptions extends GatherOptions {
  readonly nats: Pick<NatsPort, 'publish' | 'subscribe' | 'inbox' | 'request'>
  readonly nowMs: () => number
}

/** A shard of ours that is not loaded may become so; the other holder, if there is one, has answered long before. */
const LOAD_WAIT_MS = 1500
const POLL_MS = 5
const encoder = new TextEncoder()

const NOT_LOADED: ApiFailure = { code: 'unavailable', message: 'this part of presence is not loaded yet' }
const NOT_GATHERED: ApiFailure = { code: 'unavailable', message: 'a part of presence has answered in no way' }
const NOT_SEEN: ApiFailure = { code: 'unavailable', message: 'the revision asked for has not been seen yet' }

/** A verb that changes nothing. */
export type ApiQuestion = Exclude<ApiVerb, ApiAct>

/** Answers one request. Never throws for what was asked. */
export function answerTo(verb: ApiQuestion, data: Uint8Array, options: VerbOptions): Promise<ApiReply> {
  switch (verb) {
    case 'presence':
      return parsed(verb, data, (request) => answerPresence(request, options))
    case 'count':
      return parsed(verb, data, (request) => answerCount(request, options))
    case 'rooms':
      return parsed(verb, data, (request) => answerRooms(request, options))
    case 'user':
      return parsed(verb, data, (request) => answerUser(request, options))
    case 'gateways':
      return parsed(verb, data, async () => ({ body: gatewaysAnswer(options.known.gateways()) }))
  }
}

async function parsed<verb extends ApiQuestion>(
  verb: verb,
  data: Uint8Array,
  answer: (request: ApiRequestOf<verb>) => Promise<ApiReply>,
): Promise<ApiReply> {
  const request = decodeApiRequest(verb, data)
  return request.ok ? answer(request.request) : { code: 'bad_request', message: request.message }
}

async function answerPresence(request: ApiRequestOf<'presence'>, options: VerbOptions): Promise<ApiReply> {
  const room = roomOf(request.room)
  const number = roomShard(room)
  const shard = await held('room', number, () => options.known.room(number), options)
  if (shard === null || 'code' in shard) return shard
  const wanted = request.revision ?? 0
  const seen = await waited(() => shard.revision >= wanted || null, API_REVISION_WAIT_MS, options)
  return seen === null ? NOT_SEEN : { body: presenceAnswer(shard, room, request.limit) }
}

async function answerCount({ rooms }: ApiRequestOf<'count'>, options: VerbOptions): Promise<ApiReply> {
  const { known } = options
  const byShard = new Map<number, RoomName[]>()
  for (const raw of rooms) {
    const room = roomOf(raw)
    byShard.set(roomShard(room), [...(byShard.get(roomShard(room)) ?? []), room.name])
  }
  const [first = 0] = byShard.keys()
  // Those who hold the shard of the first room ask others for the rest; who holds all need not.
  const all = [...byShard.keys()].every((shard) => known.room(shard) !== null)
  const shard = all ? first : await held('room', first, () => known.room(first), options)
  if (shard === null || (typeof shard === 'object' && 'code' in shard)) return shard
  if ((await waited(() => known.fresh || null, LOAD_WAIT_MS, options)) === null) return NOT_LOADED
  const parts = await Promise.all([...byShard].map(([shard, names]) => countIn(shard, names, options)))
  if (parts.includes(null)) return NOT_GATHERED
  return { body: { counts: Object.fromEntries(parts.flatMap((part) => part ?? [])) } }
}

type Counts = readonly (readonly [string, { readonly members: number; readonly connections: number }])[]

/** Counts of rooms of one shard, from here or from its holders; null if these are silent. */
async function countIn(number: number, names: readonly RoomName[], options: VerbOptions): Promise<Counts | null> {
  const shard = options.known.room(number)
  if (shard !== null) {
    return names.map((name) => {
      const { members, connections } = roomCount(shard, name)
      return [name, { members, connections }]
    })
  }
  try {
    const question = encoder.encode(JSON.stringify({ rooms: names }))
    const message = await options.nats.request(options.subjects.api('count'), question, { timeoutMs: GATHER_WAIT_MS })
    const answer = decodeApiAnswer('count', message.data)
    return answer === null ? null : Object.entries(answer.counts)
  } catch {
    // Nobody has answered for the shard: its holders are gone, and the next ones are not known yet.
    return null
  }
}

async function answerRooms(request: ApiRequestOf<'rooms'>, options: VerbOptions): Promise<ApiReply> {
  const { namespace, limit = ROOM_MEMBERS_MAX } = request
  const after = request.after === undefined ? undefined : roomOf(request.after).name
  // Those who hold the shard of a room of this name gather, and any who need not ask others.
  const number = roomShard({ local: namespace })
  if (loadedRooms(options.known).length < ROOM_SHARDS || !options.known.fresh) {
    const shard = await held('room', number, () => options.known.room(number), options)
    if (shard === null || 'code' in shard) return shard
  }
  const found = await gatherRooms(
    { verb: 'rooms', namespace, limit, ...(after === undefined ? {} : { after }) },
    options,
  )
  return found === null ? NOT_GATHERED : { body: found }
}

async function answerUser({ user }: ApiRequestOf<'user'>, options: VerbOptions): Promise<ApiReply> {
  const number = userShard(user)
  const shard = await held('user', number, () => options.known.user(number), options)
  if (shard === null || 'code' in shard) return shard
  const found = await gatherRooms({ verb: 'userRooms', user, limit: API_ROOMS_MAX }, options)
  if (found === null) return NOT_GATHERED
  const rooms = found.rooms.map(({ room }) => room)
  return { body: userAnswer(shard, user, rooms) }
}

/** A shard that we hold, once it is loaded; null where it is not ours. */
async function held<S extends Shard>(
  scope: 'room' | 'user',
  number: number,
  find: () => S | null,
  options: VerbOptions,
): Promise<S | ApiFailure | null> {
  const { known } = options
  if (find() === null && !known.holds(scope, number)) return null
  return (await waited(() => (known.fresh ? find() : null), LOAD_WAIT_MS, options)) ?? NOT_LOADED
}

/** Asks until there is something, or the time is over. */
async function waited<T>(probe: () => T | null, waitMs: number, { nowMs }: VerbOptions): Promise<T | null> {
  const endsAt = nowMs() + waitMs
  for (;;) {
    const found = probe()
    if (found !== null || nowMs() >= endsAt) return found
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

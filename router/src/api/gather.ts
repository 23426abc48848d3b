// Asks all routers for what spans shards, and answers when another one asks. Each shard has two holders, so a frozen or dead router
// delays nothing; whoever is silent for both of a shard's holders ends in `unavailable`.
import {
  createGathering,
  decodeGatherPart,
  decodeGatherRequest,
  encodeGatherPart,
  encodeGatherRequest,
  type GatherPart,
  type GatherRequest,
  ROOM_SHARDS,
  type RoomCount,
  type RoomName,
  type Subjects,
} from '@sluice/proto'
import type { NatsPort } from '@sluice/service/jetstream/port'
import type { RoomShard } from '../shards/room-shard.ts'
import type { Known } from './known.ts'
import { gatherPart } from './room-list.ts'

/** See {@link gatherRooms} and {@link serveGathering}. */
export interface GatherOptions {
  readonly nats: Pick<NatsPort, 'publish' | 'subscribe' | 'inbox'>
  readonly subjects: Subjects
  readonly known: Known
  /** A message between routers was not understood. */
  readonly onSkipped: (why: 'newer' | 'malformed') => void
}

/** The first rooms of all shards. */
export interface GatheredRooms {
  readonly rooms: readonly RoomCount[]
  /** Where the next page begins. */
  readonly next?: RoomName
}

/** How long others may take. They answer from memory, so who takes longer does not answer at all. */
export const GATHER_WAIT_MS = 500

const encoder = new TextEncoder()

/** The shards of rooms that are loaded here. */
export function loadedRooms(known: Known): RoomShard[] {
  return Array.from({ length: ROOM_SHARDS }, (_, shard) => known.room(shard)).filter((shard) => shard !== null)
}

/** Gathers; null if some shards have answered in no way. */
export function gatherRooms(request: GatherRequest, options: GatherOptions): Promise<GatheredRooms | null> {
  const { nats, subjects, known, onSkipped } = options
  const gathering = createGathering(request.limit)
  if (gathering.add(gatherPart(loadedRooms(known), request))) return Promise.resolve(gathering.answer())
  return new Promise((resolve) => {
    const inbox = nats.inbox()
    const timer = setTimeout(() => finish(false), GATHER_WAIT_MS)
    const subscription = nats.subscribe(inbox, ({ data }) => {
      const part = decodeGatherPart(data)
      if (part === null || part === 'newer') onSkipped(part ?? 'malformed')
      else if (gathering.add(part)) finish(true)
    })
    function finish(complete: boolean): void {
      clearTimeout(timer)
      subscription.unsubscribe()
      resolve(complete ? gathering.answer() : null)
    }
    const question = encoder.encode(encodeGatherRequest(request))
    if (!nats.publish(subjects.gather(), question, undefined, inbox)) finish(false)
  })
}

/** Begins to tell others of the shards held here. */
export function serveGathering({ nats, subjects, known, onSkipped }: GatherOptions): { stop(): void } {
  const subscription = nats.subscribe(subjects.gather(), ({ data, reply }) => {
    const request = decodeGatherRequest(data)
    if (request === 'newer' || request === null) return onSkipped(request ?? 'malformed')
    const part = partOf(request, known)
    if (part !== null && reply) nats.publish(reply, encoder.encode(encodeGatherPart(part)))
  })
  return { stop: () => subscription.unsubscribe() }
}

/** Null where there is nothing to say: silence is what the others' parts stand in for. */
function partOf(request: GatherRequest | 'unsupported', known: Known): GatherPart | null {
  if (request === 'unsupported') return { shards: [], rooms: [], code: 'unsupported' }
  const shards = known.fresh ? loadedRooms(known) : []
  return shards.length === 0 ? null : gatherPart(shards, request)
}

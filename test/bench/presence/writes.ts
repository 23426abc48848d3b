// How many entries gateways write: against the number of sockets while the same rooms change, against the number of rooms that
// change while the sockets are the same, and while nothing changes.
import { setTimeout as pause } from 'node:timers/promises'
import { type PresenceCluster, STORES } from './cluster.ts'
import { countWrites, type WriteCount, type Writes } from './kv-writes.ts'
import { type BenchSocket, openSocket, openSockets } from './socket.ts'

/** What is measured. */
export interface WritePlan {
  /** Numbers of sockets, rising; the last is also the one while rooms vary. */
  readonly sockets: readonly number[]
  /** Numbers of rooms that change, rising. */
  readonly changedRooms: readonly number[]
  /** Even, as sockets leave in one and come back in the next. */
  readonly rounds: number
  readonly roundMs: number
  /** How long nothing changes. */
  readonly restMs: number
}

/** One level of load. */
export interface WriteFigures {
  readonly sockets: number
  /** Rooms that changed in each round, counted for each gateway on which they did. */
  readonly changedRooms: number
  readonly rounds: number
  /** Joins and leaves. */
  readonly changes: number
  readonly seconds: number
  readonly writes: Writes
}

/** All levels. */
export interface WriteReport {
  readonly bySockets: readonly WriteFigures[]
  readonly byRooms: readonly WriteFigures[]
  readonly idle: WriteFigures
  /** Sockets that connected, and what the directory of users was written for them. */
  readonly connects: { readonly sockets: number; readonly writes: Writes }
  /** What the bucket holds in the end: each socket in two rooms. */
  readonly held: { readonly keys: number; readonly bytes: number }
}

/** Sockets on both gateways, by turns of {@link ROOM_STRIDE}. */
interface Crowd {
  readonly sockets: BenchSocket[]
  readonly count: WriteCount
}

/** Entries are gathered for 200 ms; after twice that all is written. */
const QUIET_MS = 400
/** So many rooms while sockets vary; neighbours in one are on different gateways. */
const ROOM_STRIDE = 40
/** Those of a room on one gateway that leave and come back; one at least. */
const MOVING_SHARE = 0.25

/** Runs all levels over two gateways. */
export async function measureWrites(cluster: PresenceCluster, plan: WritePlan): Promise<WriteReport> {
  const crowd: Crowd = { sockets: [], count: await countWrites(cluster.service) }
  const most = plan.sockets.at(-1) ?? 0
  await quiet(crowd.count)
  const connects = { sockets: most, writes: await connect(cluster, crowd, most) }
  const bySockets: WriteFigures[] = []
  for (const size of plan.sockets) bySockets.push(await sameRooms(crowd, plan, bySockets.at(-1)?.sockets ?? 0, size))
  const idle = await rest(crowd, plan)
  const rooms = plan.changedRooms.at(-1) ?? 0
  await Promise.all(crowd.sockets.map((socket, at) => socket.ok({ type: 'join', room: `b${at % rooms}` })))
  const byRooms: WriteFigures[] = []
  for (const changedRooms of plan.changedRooms) {
    const moving = crowd.sockets.slice(0, changedRooms).map((socket, at) => ({ socket, room: `b${at}` }))
    byRooms.push({ ...(await toggle(crowd, plan, moving)), sockets: most, changedRooms })
  }
  const { state } = (await cluster.service.request(`$JS.API.STREAM.INFO.${STORES.entries.stream}`)).json<{
    state: { messages: number; bytes: number }
  }>()
  await Promise.all(crowd.sockets.map((socket) => socket.close()))
  return { bySockets, byRooms, idle, connects, held: { keys: state.messages, bytes: state.bytes } }
}

/** Lets more sockets into the same rooms, and a share of each room's members move. */
async function sameRooms({ sockets, count }: Crowd, plan: WritePlan, from: number, to: number): Promise<WriteFigures> {
  const inside = sockets.slice(0, to).map((socket, at) => ({ socket, at, room: `a${at % ROOM_STRIDE}` }))
  await Promise.all(inside.slice(from).map(({ socket, room }) => socket.ok({ type: 'join', room })))
  const pairs = ROOM_STRIDE * 2
  const movers = Math.max(1, (to / pairs) * MOVING_SHARE)
  const moving = inside.filter(({ at }) => Math.floor(at / pairs) < movers)
  return { ...(await toggle({ sockets, count }, plan, moving)), sockets: to, changedRooms: pairs }
}

async function connect({ gateways }: PresenceCluster, { sockets, count }: Crowd, size: number): Promise<Writes> {
  const opened = await openSockets(size, (at) => {
    const gateway = gateways[Math.floor(at / ROOM_STRIDE) % gateways.length]
    return openSocket(gateway?.url ?? '', `user${at}`)
  })
  sockets.push(...opened)
  return quiet(count)
}

interface Moving {
  readonly socket: BenchSocket
  readonly room: string
}

async function toggle(
  { count }: Crowd,
  { rounds, roundMs }: WritePlan,
  moving: readonly Moving[],
): Promise<Omit<WriteFigures, 'sockets' | 'changedRooms'>> {
  await quiet(count)
  const startedAt = performance.now()
  for (let round = 0; round < rounds; round++) {
    const type = round % 2 === 0 ? 'leave' : 'join'
    await Promise.all(moving.map(({ socket, room }) => socket.ok({ type, room })))
    const endsAt = startedAt + (round + 1) * roundMs
    await pause(Math.max(0, endsAt - performance.now()))
  }
  const seconds = (performance.now() - startedAt) / 1000
  return { rounds, changes: moving.length * rounds, seconds, writes: await quiet(count) }
}

async function rest({ sockets, count }: Crowd, { restMs }: WritePlan): Promise<WriteFigures> {
  await quiet(count)
  await pause(restMs)
  const writes = await count.take()
  return { sockets: sockets.length, changedRooms: 0, rounds: 0, changes: 0, seconds: restMs / 1000, writes }
}

/** Waits until entries are written no more; what was written since the last count. */
async function quiet(count: WriteCount): Promise<Writes> {
  const sum = { room: 0, user: 0, lease: 0, bytes: 0 }
  for (;;) {
    await pause(QUIET_MS)
    const { room, user, lease, bytes } = await count.take()
    sum.room += room
    sum.user += user
    sum.lease += lease
    sum.bytes += bytes
    if (room + user === 0) return sum
  }
}

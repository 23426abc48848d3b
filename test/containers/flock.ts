// Load with our own client library: members of one room with presence and history who publish all the time, wherever their sockets are; and
// what must hold of it: what is acknowledged is stored once, and everyone hears everything once and in its order.
import { setTimeout as pause } from 'node:timers/promises'
import type { Receipt } from '@sluice/client'
import { expect } from 'vitest'
import { library, type RoomTold, record, type Told } from '../harness/client-library.ts'
import { eventually } from '../harness/eventually.ts'
import { brokenLinks, readAll } from '../harness/history.ts'
import type { Doorway, Stage } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

/** How a flock is made. */
export interface FlockOptions {
  readonly stage: Stage
  readonly room: string
  readonly size: number
  /** From one publish of a member to its next. Default 250. */
  readonly everyMs?: number
  /** Where sockets can be opened at this moment. */
  readonly gateways: () => readonly Doorway[]
}

interface Member extends Told, RoomTold {
  readonly user: string
}

/** What became of a publish. */
interface Outcome {
  readonly data: string
  readonly receipt: Receipt | null
  /** Why there is no receipt. */
  readonly refusal?: unknown
}

/** Members who publish until they are told to stop. */
export interface Flock {
  /** Publishes so far. */
  readonly published: number
  /** Messages that all have heard. */
  readonly heard: number
  /** Ends the publishing and judges the history; fails for anything lost, doubled or out of order. */
  judge(): Promise<FlockFigures>
  /** Everyone who was seen to come or go since all were there. */
  readonly flaps: readonly unknown[]
  /** States but `open`, since all were there. */
  readonly interruptions: readonly string[]
}

/** What {@link Flock.judge} has counted. */
export interface FlockFigures {
  readonly published: number
  readonly acknowledged: number
  readonly stored: number
  /** What was said to those that were not acknowledged. */
  readonly refusals: readonly string[]
}

const SETTLE_MS = 30_000
/** More than the library waits for a connection and an answer together. */
const PUBLISH_MS = 60_000

/** Makes a flock, all in the room and visible to each other; it publishes when this resolves. */
export async function startFlock({ stage, room, size, everyMs = 250, gateways }: FlockOptions): Promise<Flock> {
  let at = 0
  const address = (): string => {
    const open = gateways()
    return (open[at++ % open.length] as Doorway).url
  }
  const members: Member[] = []
  for (let n = 0; n < size; n++) {
    const user = `${room.replace(/^.*:/, '')}-${n}`
    const told = library(stage, address, { token: await makeToken(user, { ttlSeconds: 3600 }) })
    members.push({ user, ...told, ...record(told.sluice.room(room, { presence: true })) })
  }
  await Promise.all(members.map((member) => member.room.ready({ timeoutMs: SETTLE_MS })))
  await eventually(() => members.map((member) => member.room.count), SETTLE_MS).toEqual(members.map(() => size))
  const eventsBefore = members.map(({ events }) => events.length)
  const statesBefore = members.map(({ states }) => states.length)

  let running = true
  const outcomes: Promise<Outcome>[] = []
  const publishing = members.map(async (member, n) => {
    await pause((everyMs * n) / size)
    for (let count = 0; running; count++, await pause(everyMs)) {
      const data = `${member.user}/${count}`
      outcomes.push(
        member.room.publish(data, { timeoutMs: PUBLISH_MS }).then(
          (receipt) => ({ data, receipt }),
          (refusal) => ({ data, receipt: null, refusal }),
        ),
      )
    }
  })
  stage.use({
    async [Symbol.asyncDispose]() {
      running = false
      await Promise.all(publishing)
    },
  })
  const eventsOf = (...names: readonly string[]): unknown[] =>
    members.flatMap(({ events }, n) => events.slice(eventsBefore[n]).filter(([name]) => names.includes(name)))
  return {
    get published() {
      return outcomes.length
    },
    get heard() {
      return Math.min(...members.map(({ messages }) => messages.length))
    },
    get flaps() {
      return eventsOf('joined', 'left')
    },
    get interruptions() {
      return members.flatMap(({ states }, n) => states.slice(statesBefore[n]).map(({ name }) => name))
    },
    async judge() {
      running = false
      await Promise.all(publishing)
      const settled = await Promise.all(outcomes)
      const reader = await stage.user(gateways()[0] as Doorway, 'reader')
      const stored = await readAll(reader, room)
      const offsets = stored.map(({ offset }) => offset)
      expect(brokenLinks(stored, 0)).toEqual([])
      expect(new Set(stored.map(({ data }) => data)).size).toBe(stored.length)
      const byOffset = new Map(stored.map(({ offset, data }) => [offset, data]))
      const acknowledged = settled.filter(({ receipt }) => receipt !== null)
      expect(acknowledged.filter(({ data, receipt }) => byOffset.get(receipt?.offset) !== data)).toEqual([])
      for (const { messages } of members) {
        await eventually(() => messages.length, SETTLE_MS).toBe(stored.length)
        expect(messages.map(({ offset }) => offset)).toEqual(offsets)
      }
      expect(eventsOf('gap', 'fault', 'refused', 'removed')).toEqual([])
      await eventually(() => members.map((member) => member.room.count), SETTLE_MS).toEqual(members.map(() => size))
      const refusals = settled.flatMap(({ receipt, refusal }) => (receipt === null ? String(refusal) : []))
      return { published: settled.length, acknowledged: acknowledged.length, stored: stored.length, refusals }
    },
  }
}

/** Members of a flock of a crowd, and flocks that are made at once. */
const FLOCK_SIZE = 20
const FLOCKS_AT_ONCE = 10

/**
 * Makes a crowd of flocks, each in a room of its own, that publish as much as one of them together: more members, not more messages.
 *
 * @param size - members, a multiple of 20
 */
export async function startFlocks({ size, everyMs = 250, room, ...options }: FlockOptions): Promise<Flock> {
  const count = size / FLOCK_SIZE
  const flocks: Flock[] = []
  const start = (n: number): Promise<Flock> =>
    startFlock({ ...options, room: `${room}-${n}`, size: FLOCK_SIZE, everyMs: everyMs * count })
  for (let at = 0; at < count; at += FLOCKS_AT_ONCE) {
    const some = Array.from({ length: Math.min(FLOCKS_AT_ONCE, count - at) }, (_, n) => start(at + n))
    flocks.push(...(await Promise.all(some)))
  }
  const sum = (of: (flock: Flock) => number): number => flocks.reduce((total, flock) => total + of(flock), 0)
  return {
    get published() {
      return sum(({ published }) => published)
    },
    get heard() {
      return sum(({ heard }) => heard)
    },
    get flaps() {
      return flocks.flatMap(({ flaps }) => flaps)
    },
    get interruptions() {
      return flocks.flatMap(({ interruptions }) => interruptions)
    },
    async judge() {
      const figures = await Promise.all(flocks.map((flock) => flock.judge()))
      const total = (of: (one: FlockFigures) => number): number => figures.reduce((all, one) => all + of(one), 0)
      return {
        published: total(({ published }) => published),
        acknowledged: total(({ acknowledged }) => acknowledged),
        stored: total(({ stored }) => stored),
        refusals: figures.flatMap(({ refusals }) => refusals),
      }
    },
  }
}

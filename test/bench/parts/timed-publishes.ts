// A steady stream of messages that carry the time at which they were sent, for a slice; with pings to NATS between them.
import { setTimeout as pause } from 'node:timers/promises'
import type { Source } from '../measure/source.ts'
import { roomName } from '../scenarios.ts'
import type { Crowd } from '../sink/crowd-process.ts'

/** What is published. */
export interface TimedPlan {
  readonly source: Source
  readonly prefix: string
  readonly room: number
  readonly perSecond: number
  /** Of each payload. */
  readonly bytes: number
  readonly forMs: number
}

/** What a slice has shown. */
export interface TimedSlice {
  readonly delaysMs: readonly number[]
  readonly roundTripsMs: readonly number[]
  readonly published: number
  /** The sink's own load. */
  readonly load: number
  readonly fault: string | null
}

/** A ping for so many messages. */
const PING_EVERY = 2
/** What is under way when the last message is published comes within this time. */
const REST_MS = 300

/**
 * Publishes for a slice.
 *
 * @param expectedMembers - each of whom must receive every message; null where one of them stops
 */
export async function publishTimed(
  crowd: Crowd,
  group: string,
  { source, prefix, room, perSecond, bytes, forMs }: TimedPlan,
  expectedMembers: number | null = null,
): Promise<TimedSlice> {
  const roundTripsMs: number[] = []
  await crowd.beginTimed(group)
  const startedAt = performance.now()
  let published = 0
  for (let elapsed = 0; elapsed < forMs; elapsed = performance.now() - startedAt) {
    if (published < (elapsed * perSecond) / 1000) {
      source.publish(prefix, roomName(room), timedPayload(process.hrtime.bigint(), published++, bytes))
      if (published % PING_EVERY === 0) {
        await pause(1)
        roundTripsMs.push(await source.roundTripMs())
      }
    }
    await pause(1)
  }
  await pause(REST_MS)
  const { delaysMicros, messages, lost, load } = await crowd.endTimed()
  const members = expectedMembers ?? Math.round(messages / published)
  const whole = messages === members * published && delaysMicros.length === messages
  const fault =
    lost > 0 ? `${lost} connections were lost` : whole ? null : `received ${messages} of ${members} × ${published}`
  return { delaysMs: delaysMicros.map((micros) => micros / 1000), roundTripsMs, published, load, fault }
}

/** JSON of this many bytes that begins with the time, in nanoseconds. */
export function timedPayload(nanos: bigint, number: number, bytes: number): string {
  const head = `{"t":${nanos},"n":${number},"text":"`
  return `${head.padEnd(bytes - 2, 'x')}"}`
}

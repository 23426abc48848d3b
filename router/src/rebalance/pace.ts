// When a round of moves may come, and how long it takes. Pure: times are monotonic milliseconds, passed in. Owns the bound on the rate,
// and the patience with load balancers that put clients back where they were.
import { LEASE_RENEW_MS } from '@sluice/proto'
import { GAIN_MAX } from './plan.ts'

/** Of the window of a `move`, gateways leave the last third to the clients that were asked last (gateway/src/drain/drain.ts). */
const ASKING_SHARE = 2 / 3

/** A client has a third of it to move; with less, slow networks would lose their socket first. */
export const WINDOW_MS_MIN = 6000

/** Gateways give nobody more than ten seconds to move, a third of this; a longer window would only make rounds blind. */
export const WINDOW_MS_MAX = 30_000

/** After a round, or a change of the fleet: each lease is renewed twice, so counts are those of now. */
export const SETTLE_MS = 2 * LEASE_RENEW_MS + 1000

/** Between rounds that change nothing, at most. */
export const FRUITLESS_MS_MAX = 600_000

/** Connections in one round at most, so that no window is longer than it may be. */
export function roundMax(connectionsPerSecond: number): number {
  return Math.max(1, Math.floor((connectionsPerSecond * WINDOW_MS_MAX * ASKING_SHARE) / 1000))
}

/** Over how long so many connections are to move, so that no second sees more of them asked than it may. */
export function windowMsOf(connections: number, connectionsPerSecond: number): number {
  const askingMs = (connections / connectionsPerSecond) * 1000
  return Math.min(WINDOW_MS_MAX, Math.max(WINDOW_MS_MIN, Math.ceil(askingMs / ASKING_SHARE)))
}

/** What is remembered between two rounds. */
export interface Pace {
  readonly notBeforeMs: number
  /** What the last round found above the mean; null before the first, and once all is in balance. */
  readonly excess: number | null
  /** What the last round asked to move. */
  readonly moved: number
  /** After the last round. */
  readonly pauseMs: number
}

/** What a round found, and did. */
export interface Round {
  readonly excess: number
  readonly moved: number
  readonly windowMs: number
}

/** Before anything has happened: a router that begins to lead knows nothing of the rounds before. */
export function freshPace(nowMs: number): Pace {
  return { notBeforeMs: nowMs + SETTLE_MS, excess: null, moved: 0, pauseMs: SETTLE_MS }
}

/**
 * How many to move for each one above the mean, by what the last round has shown: a load balancer that knows the counts puts everyone where
 * one is missing, another one puts many back.
 *
 * @param excess - now
 */
export function gainOf({ excess: before, moved }: Pace, excess: number): number {
  if (before === null || moved === 0) return 1
  const landed = (before - excess) / moved
  return landed <= 1 / GAIN_MAX ? GAIN_MAX : Math.max(1, 1 / landed)
}

/**
 * After a round. Where the one before it has lessened nothing, the next one waits twice as long: a load balancer that knows its clients by
 * address brings each back to the gateway that it left, and they must not be sent around for ever.
 */
export function paceAfter(before: Pace, { excess, moved, windowMs }: Round, nowMs: number): Pace {
  const fruitless = before.excess !== null && excess >= before.excess
  const pauseMs = fruitless ? Math.min(FRUITLESS_MS_MAX, before.pauseMs * 2) : SETTLE_MS
  return { notBeforeMs: nowMs + windowMs + pauseMs, excess, moved, pauseMs }
}

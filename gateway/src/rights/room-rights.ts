// What services have said about one connection in one room, and what follows from it: bounds of its publishes, and what others see of
// it. Pure; who asks and when is rights.ts.
import type { GivenRight, RightLimits, RoomName } from '@sluice/proto'
import type { Principal } from '../accept/authenticate/principal.ts'
import type { Wheeled } from '../heartbeat/wheel.ts'
import { type Refusal, refusal } from '../session/answer.ts'
import { type Bucket, createBucket, take } from '../session/rate-limit.ts'

/** The right to be in a room, for as long as the connection is. */
export interface HeldRight extends Wheeled {
  given: GivenRight
  /** When the service is asked again, in monotonic milliseconds; null for never. */
  endsAt: number | null
  /** Asks again. */
  readonly renew: () => void
}

/** A publish that waits for its answer, or for that of one before it. */
export interface WaitingPublish {
  verdict: GivenRight | Refusal | null
  readonly proceed: (verdict: GivenRight | Refusal) => void
}

/** Everything that services have said about a connection in a room. */
export interface RoomRights {
  join: HeldRight | null
  /** An answer that holds for further publishes until then. */
  publish: { readonly given: GivenRight; readonly endsAt: number } | null
  bucket: Bucket | null
  /** In the order of their frames, in which they go out whenever their answers come. */
  readonly waiting: WaitingPublish[]
}

/** Nothing said yet. */
export function createRoomRights(): RoomRights {
  return { join: null, publish: null, bucket: null, waiting: [] }
}

/** Whether nothing of it is needed any more. */
export function isSpent({ join, publish, bucket, waiting }: RoomRights): boolean {
  return join === null && publish === null && bucket === null && waiting.length === 0
}

/** Null if a publish keeps the bounds of its rights, of which it then takes its share; else the refusal. */
export function boundsRefusal(
  rights: RoomRights,
  publish: RightLimits | undefined,
  bytes: number,
  nowMs: number,
): Refusal | null {
  const join = rights.join?.given.limits
  const bytesMax = least(join?.payloadBytesMax, publish?.payloadBytesMax)
  if (bytes > bytesMax) return refusal('too_large', `data: the service allows at most ${bytesMax} bytes here`)
  const perSecond = least(join?.publishesPerSecond, publish?.publishesPerSecond)
  if (perSecond === Number.POSITIVE_INFINITY) return null
  const rate = { perSecond, burst: Math.max(1, perSecond) }
  rights.bucket ??= createBucket(rate, nowMs)
  const waitMs = take(rights.bucket, rate, nowMs)
  if (waitMs === 0) return null
  return { ...refusal('rate_limited', 'publish: over what the service allows here'), retryAfterMs: waitMs }
}

function least(one: number | undefined, other: number | undefined): number {
  return Math.min(one ?? Number.POSITIVE_INFINITY, other ?? Number.POSITIVE_INFINITY)
}

/** What others see of a connection in a room: what the service says of it there, else what its token says. */
export function infoIn({ rights, principal }: Shown, room: RoomName): unknown {
  const info = rights?.get(room)?.join?.given.info
  // `null` of a service stands for itself: it takes the place of what the token says.
  return info === undefined ? principal?.grants.info : info
}

/** What of a connection decides what others see. */
interface Shown {
  readonly rights: ReadonlyMap<RoomName, RoomRights> | null
  readonly principal: Principal | null
}

// Asks routers who is in a room, for connections that do not watch it. Two routers own each room, so one that is frozen or dead
// delays nothing: the first answer counts.
import { errors } from '@nats-io/transport-node'
import {
  decodeApiAnswer,
  decodeApiError,
  type ErrorCode,
  HEADER_SERVICE_ERROR_CODE,
  type Room,
  type Subjects,
  type ViewMember,
} from '@sluice/proto'
import type { Link } from '@sluice/service/nats/link'

/** What came of a question. */
export type RoomAnswer =
  | { readonly ok: true; readonly members: readonly ViewMember[]; readonly count: number }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string }

/** A question takes at most this long. */
const ASK_WAIT_MS = 2000

/** Bounds of an answer. */
export interface RoomAnswerBounds {
  readonly membersMax: number
  /** Of the members as JSON. */
  readonly bytesMax: number
}

/** Asks for a room; settles within two seconds, and never rejects. */
export async function askRouters(
  link: Pick<Link, 'request'>,
  subjects: Subjects,
  room: Room,
  { membersMax, bytesMax }: RoomAnswerBounds,
): Promise<RoomAnswer> {
  const question = new TextEncoder().encode(JSON.stringify({ room: room.name, limit: membersMax }))
  try {
    const message = await link.request(subjects.api('presence'), question, { timeoutMs: ASK_WAIT_MS })
    const number = Number(message.headers?.get(HEADER_SERVICE_ERROR_CODE) || 0)
    if (number !== 0) return { ok: false, ...decodeApiError(number, message.data) }
    const answer = decodeApiAnswer('presence', message.data)
    if (answer === null) return { ok: false, code: 'internal', message: 'the answer of a router is malformed' }
    // One long name is as good as another: what is over is left out in proportion.
    const share = Math.min(1, bytesMax / message.data.length)
    return { ok: true, members: answer.members.slice(0, answer.members.length * share), count: answer.count }
  } catch (error) {
    if (error instanceof errors.TimeoutError) return { ok: false, code: 'timeout', message: 'no router has answered' }
    return { ok: false, code: 'unavailable', message: 'there is no router, or NATS is away' }
  }
}

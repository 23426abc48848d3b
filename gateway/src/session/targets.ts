// What a frame is about: a room, a user, or a connection, parsed from the names that stand in it. Pure. Step 2 of the message path.
import { isWildcard, parseRoom, parseSession, parseUser, type Room, type UserName } from '@sluice/proto'
import { type Refusal, refusal } from './answer.ts'

/** A parsed room, or why there is none. */
export function roomOf(raw: string, nameBytesMax: number): Room | Refusal {
  if (isWildcard(raw)) return refusal('unsupported', 'room: a single room is needed')
  return (
    parseRoom(raw, nameBytesMax) ??
    refusal('bad_request', `room: a name of at most ${nameBytesMax} bytes without * is needed`)
  )
}

/** A parsed recipient of `send`, or why there is none. */
export function recipientOf(
  frame: { readonly user?: string | undefined; readonly session?: string | undefined },
  nameBytesMax: number,
): { readonly user: UserName } | NonNullable<ReturnType<typeof parseSession>> | Refusal {
  if ((frame.user === undefined) === (frame.session === undefined))
    return refusal('bad_request', 'user or session: one of them is needed')
  if (frame.user !== undefined) {
    const user = parseUser(frame.user, nameBytesMax)
    return user === null
      ? refusal('bad_request', `user: a name of at most ${nameBytesMax} bytes without * is needed`)
      : { user }
  }
  return parseSession(frame.session) ?? refusal('bad_request', 'session: <gateway>.<n> is needed')
}

/** Tells a refusal from what was looked for. */
export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'ok' in value && value.ok === false
}

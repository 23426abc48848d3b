// What a room or an inbox says to the gateway to be joined, and how its messages read. Pure.

import type { Position } from './chain.ts'
import type { Message } from './events.ts'
import { countOf, type Frame, payloadOf, textOf } from './server-frame.ts'

/** A room by its name, or the inbox of the user that the connection has. */
export type Target = { readonly room: string } | { readonly user: true }

/** What a join asks for. */
export interface JoinWishes {
  readonly target: Target
  /** The user of the connection. */
  readonly user: string
  /** What the gateway offers: nothing else is asked for [P-14.2]. */
  readonly features: ReadonlySet<unknown>
  readonly position: Position | null
  readonly history: number | undefined
  readonly presence: boolean
}

/** The frame `join`; null where there is nothing to join, as the messages come anyway. */
export function joinFrame({ target, user, features, position, history, presence }: JoinWishes): Frame | null {
  const stored = features.has('history')
  if ('user' in target && !stored) return null
  return {
    type: 'join',
    ...nameOf(target, user),
    ...(stored && position !== null ? { since: sinceOf(position) } : {}),
    // Beside a position it counts only where that cannot be recovered from [P-16.6].
    ...(stored && history !== undefined ? { history } : {}),
    ...(presence && features.has('presence') ? { presence } : {}),
  }
}

/** The field by which a frame names its target. */
export function nameOf(target: Target, user: string): { readonly room: string } | { readonly user: string } {
  return 'room' in target ? { room: target.room } : { user }
}

/** A message as the application gets it. */
export function messageOf(frame: Frame, replayed: boolean): Message {
  return {
    room: textOf(frame, 'room'),
    data: payloadOf(frame),
    from: textOf(frame, 'from'),
    session: textOf(frame, 'session'),
    event: textOf(frame, 'event'),
    key: textOf(frame, 'key'),
    offset: countOf(frame, 'offset'),
    time: countOf(frame, 'time'),
    replayed,
  }
}

/** The position that a frame tells: an `ok` of a join, `added`, `gap`; null if it tells none. */
export function positionOf(frame: Frame): Position | null {
  const [epoch, offset] = [textOf(frame, 'epoch'), countOf(frame, 'offset')]
  return epoch === undefined || offset === undefined ? null : { epoch, offset, time: countOf(frame, 'time') }
}

function sinceOf({ epoch, offset, time }: Position): Frame {
  return time === undefined ? { epoch, offset } : { epoch, offset, time }
}

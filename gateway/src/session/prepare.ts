// Finds for each frame what it is about and who handles it. The one place that knows all requests by type.
import type { ClientFrameWithPayload } from '@sluice/proto'
import { type Answer, type Refusal, refusal } from './answer.ts'
import { type CallOptions, call } from './call.ts'
import type { Connection } from './connection.ts'
import { askHistory, askInbox, type HistoryRequestOptions } from './history-request.ts'
import { askPresence, join, joinInbox, leave, leaveInbox, type MembershipOptions } from './membership.ts'
import { type PublishOptions, publish, type SignedIn, send } from './publish.ts'
import { rejoin } from './rejoin.ts'
import type { Prepared } from './requests.ts'
import { isRefusal, roomOf } from './targets.ts'
import { roomOrAll } from './wildcard.ts'

/** The options of all handlers. */
export type PrepareOptions = MembershipOptions & PublishOptions & HistoryRequestOptions & CallOptions

/** Finds the lane and the handler of a frame. The connection is open, so it has a principal. */
export function prepare(connection: Connection, frame: ClientFrameWithPayload, options: PrepareOptions): Prepared {
  const signedIn = connection as SignedIn
  switch (frame.type) {
    case 'join':
    case 'leave': {
      if (frame.user !== undefined) {
        return frame.type === 'join'
          ? { key: INBOX_LANE, exclusive: true, start: () => joinInbox(signedIn, frame, options) }
          : { key: INBOX_LANE, exclusive: false, start: () => leaveInbox(signedIn, frame, options) }
      }
      if (frame.room === undefined) return refused(refusal('bad_request', `${frame.type}: a room is needed`))
      const room = roomOrAll(frame.room, options.nameBytesMax)
      if (isRefusal(room)) return refused(room)
      // A join holds its lane, as what follows in the room depends on whether it succeeds.
      if (frame.type === 'join')
        return {
          key: room.name,
          exclusive: true,
          start: () => rejoin(signedIn, frame, room, options) ?? join(signedIn, frame, room, options),
        }
      return { key: room.name, exclusive: false, start: () => leave(signedIn, room, options) }
    }
    case 'publish': {
      const room = roomOf(frame.room, options.nameBytesMax)
      if (isRefusal(room)) return refused(room)
      return { key: room.name, exclusive: false, start: () => publish(signedIn, frame, room, options) }
    }
    case 'send':
      return { key: SEND_LANE, exclusive: false, start: () => send(signedIn, frame, options) }
    case 'presence': {
      const room = roomOf(frame.room, options.nameBytesMax)
      if (isRefusal(room)) return refused(room)
      return { key: room.name, exclusive: false, start: () => askPresence(signedIn, room, options) }
    }
    case 'history': {
      if (frame.user !== undefined)
        return { key: INBOX_LANE, exclusive: false, start: () => askInbox(signedIn, frame, options) }
      if (frame.room === undefined) return refused(refusal('bad_request', 'history: a room is needed'))
      const room = roomOf(frame.room, options.nameBytesMax)
      if (isRefusal(room)) return refused(room)
      return { key: room.name, exclusive: false, start: () => askHistory(signedIn, frame, room, options) }
    }
    case 'call':
      return { key: Symbol('call'), exclusive: false, start: () => call(signedIn, frame, options) }
    case 'auth':
    case 'ping':
      throw new Error(`${frame.type} has no lane`)
  }
}

/** All sends share a lane; `*` can begin no room's name. */
const SEND_LANE = '*send'

/** Requests about one's own inbox share a lane. */
const INBOX_LANE = '*inbox'

/** Refusals of names that are none have a lane of their own. */
const REFUSAL_LANE = '*refused'

function refused(answer: Refusal): Prepared {
  return { key: REFUSAL_LANE, exclusive: false, start: (): Answer => answer }
}

// Puts connections into rooms, and takes them out, for others than their clients: what the client is told by `added` and `removed`. In the
// lane of the room, so that it keeps its order with the client's own requests. Who may ask for it is the caller's question.
import { setTimeout as pause } from 'node:timers/promises'
import { type ErrorCode, grantedRooms, type Room } from '@sluice/proto'
import { type Answer, ok, refusal } from './answer.ts'
import { namespaceOf } from './authorise.ts'
import type { Connection } from './connection.ts'
import { isLive } from './connection-state.ts'
import { createLanes } from './lanes.ts'
import { enterAsked, enterRoom, exitRoom, type MembershipOptions } from './membership.ts'
import type { SignedIn } from './publish.ts'
import { isRefusal } from './targets.ts'
import type { Wire } from './wire.ts'

/** See {@link createPlacing}. */
export interface PlacingOptions extends MembershipOptions {
  readonly nameBytesMax: number
  readonly wire: Pick<Wire, 'send'>
  /** An exception of ours. */
  readonly onFault: (error: unknown, type: 'added' | 'removed') => void
}

/** Changes in which rooms a connection is. */
export interface Placing {
  /**
   * Makes it a member; whether it has become one by this.
   *
   * @param by - a service decides for itself; by a claim a connection enters where no service decides, or that service allows it
   */
  add(connection: Connection, room: Room, by: 'service' | 'claim'): Promise<boolean>
  /** Makes a connection that has just signed in a member of the rooms of its token. */
  addGranted(connection: Connection): void
  /** Takes it out; whether it was a member until now. */
  remove(connection: Connection, room: Room, code: ErrorCode, reason: string): Promise<boolean>
}

/** Makes it. */
export function createPlacing(options: PlacingOptions): Placing {
  const { wire, namespaces, onFault } = options

  function run(
    connection: Connection,
    room: Room,
    type: 'added' | 'removed',
    start: (connection: SignedIn) => Answer | Promise<Answer>,
    told: (answer: Answer & { readonly ok: true }) => void,
  ): Promise<Answer> {
    const guarded = async (): Promise<Answer> => {
      try {
        if (!isSignedIn(connection)) return refusal('unauthorized', 'not signed in')
        return await start(connection)
      } catch (error) {
        onFault(error, type)
        return refusal('internal', 'a fault of the gateway')
      }
    }
    return new Promise((resolve) => {
      connection.lanes ??= createLanes()
      connection.lanes.run(room.name, true, guarded, (answer) => {
        if (answer.ok) told(answer)
        resolve(answer)
      })
    })
  }

  function add(connection: Connection, room: Room, by: 'service' | 'claim'): Promise<Answer> {
    const start = (signedIn: SignedIn): Answer | Promise<Answer> => {
      const settings = namespaceOf(namespaces(), room)
      if (isRefusal(settings)) return settings
      const enters = by === 'claim' && settings.join.who === 'service' ? enterAsked : enterRoom
      return enters(signedIn, { type: 'join', room: room.name }, room, settings, options)
    }
    return run(connection, room, 'added', start, ({ fields: { epoch, offset } }) => {
      connection.added = [...(connection.added ?? []), room.name]
      const place = epoch === undefined || offset === undefined ? {} : { epoch, offset }
      wire.send(connection, { type: 'added', room: room.name, ...place })
    })
  }

  /** What can't be for now is tried again: nobody but us knows that the connection belongs there. */
  async function addPersistently(connection: Connection, room: Room): Promise<void> {
    for (let tries = 0; tries < TRIES_MAX && isLive(connection.phase); tries++) {
      const answer = await add(connection, room, 'claim')
      if (answer.ok || answer.retryAfterMs === undefined) return
      await pause(answer.retryAfterMs, undefined, { ref: false })
    }
  }

  return {
    add: (connection, room, by) => add(connection, room, by).then(({ ok }) => ok),
    addGranted(connection) {
      const { principal } = connection
      if (principal === null) return
      const rooms = grantedRooms(principal.grants.rooms, principal.user, options.nameBytesMax)
      for (const room of rooms.slice(0, options.roomsMax)) void addPersistently(connection, room)
    },
    remove(connection, room, code, reason) {
      const start = (signedIn: SignedIn): Answer =>
        exitRoom(signedIn, room, options) ? ok() : refusal('not_joined', 'not in this room')
      return run(connection, room, 'removed', start, () =>
        wire.send(connection, { type: 'removed', room: room.name, code, reason }),
      ).then(({ ok }) => ok)
    },
  }
}

/** Half a minute of `unavailable`. */
const TRIES_MAX = 15

function isSignedIn(connection: Connection): connection is SignedIn {
  return connection.principal !== null && isLive(connection.phase)
}

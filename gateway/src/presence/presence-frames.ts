// The frames by which watchers see a room: built once for each encoding and handed to all of them, as nothing in them differs
// between recipients. What is sent when is watched-room.ts's business.
import { jsonCodec, type MemberChange, type RoomName, type ServerFrame, type ViewMember } from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import type { Outbox } from '../outbound/outbox.ts'
import type { Outgoing } from '../outbound/outgoing.ts'
import { buildFrame, OPCODE } from '../outbound/ws-frame.ts'

/** Who sees a room: a connection. */
export interface Watcher extends Outgoing {
  /** Whether it takes msgpack frames. */
  readonly binary: boolean
}

/** Frames that belong together, for any number of watchers. */
export interface PresenceFrames {
  sendTo(watcher: Watcher): void
}

/** The frames of changes, in their order. */
export function changeFrames(
  outbox: Pick<Outbox, 'push'>,
  room: RoomName,
  changes: readonly MemberChange[],
): PresenceFrames {
  return prebuilt(
    outbox,
    changes.map(({ kind, member }) => ({ type: kind, room, member })),
  )
}

/** The frame of a whole view, or of a sample of it. */
export function membersFrame(
  outbox: Pick<Outbox, 'push'>,
  room: RoomName,
  members: readonly ViewMember[],
  count: number,
): PresenceFrames {
  return prebuilt(outbox, [{ type: 'members', room, members: [...members], count }])
}

function prebuilt(outbox: Pick<Outbox, 'push'>, frames: readonly ServerFrame[]): PresenceFrames {
  let json: Buffer | null = null
  let msgpack: Buffer | null = null
  return {
    sendTo(watcher) {
      if (watcher.binary) {
        msgpack ??= Buffer.concat(frames.map((frame) => buildFrame(OPCODE.binary, msgpackCodec.encodeServer(frame))))
        outbox.push(watcher, msgpack)
      } else {
        json ??= Buffer.concat(frames.map((frame) => buildFrame(OPCODE.text, jsonCodec.encodeServer(frame))))
        outbox.push(watcher, json)
      }
    },
  }
}

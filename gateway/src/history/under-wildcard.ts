// A connection that is in a room and follows all rooms of its namespace as well: it has each message once, from the room. Where it
// enters the room or leaves it, what one of the two has brought and the other has not is seen to here. Step 4 of the message path.
import type { Deliver } from '../fanout/deliver.ts'
import type { Member, Topic } from '../fanout/topic.ts'
import type { Topics } from '../fanout/topics.ts'
import { wildcardOver } from '../fanout/wildcards.ts'
import type { Gap } from './log.ts'
import type { Logs } from './logs.ts'
import type { RingEntry } from './ring.ts'

/** See {@link createUnderWildcard}. */
export interface UnderWildcardOptions {
  readonly topics: Pick<Topics, 'find'>
  readonly logs: Pick<Logs, 'of'>
  readonly deliver: Pick<Deliver, 'settle'>
  /** Sends a message as a member of a topic gets it. */
  readonly send: (member: Member, topic: Topic, entry: RingEntry) => void
  readonly sendGap: (member: Member, topic: Topic, gap: Gap) => void
}

/** Both at once. */
export interface BothJoined {
  /** Whether its wildcard has brought everything up to where the room stands; true without one. */
  isLevel(member: Member, room: Topic): boolean
  /** It becomes a member of the room in the same step. */
  entering(member: Member, room: Topic): void
  /** It leaves the room in the same step. */
  leaving(member: Member, room: Topic): void
}

/** Makes it. */
export function createUnderWildcard({ topics, logs, deliver, send, sendGap }: UnderWildcardOptions): BothJoined {
  return {
    isLevel(member, room) {
      const over = wildcardOver(topics, member, room)
      const [all, own] = [over === undefined ? null : logs.of(over), logs.of(room)]
      return all === null || own === null || all.position.offset >= own.position.offset
    },
    entering(member, room) {
      const over = wildcardOver(topics, member, room)
      // Behind the room's `ok` what is still in slices would be taken for old.
      if (over !== undefined) deliver.settle(over)
    },
    leaving(member, room) {
      const over = wildcardOver(topics, member, room)
      if (over === undefined) return
      const [all, own] = [logs.of(over), logs.of(room)]
      if (all === null || own === null || own.position.offset >= all.position.offset) return
      // The wildcard has passed these over for the room's sake, which has not brought them yet.
      const passed = all.ring.after(own.position.offset)
      if (passed === null) {
        const { epoch, position } = all
        return sendGap(member, over, { reason: 'lost', from: own.position.offset, epoch: epoch ?? '', position })
      }
      for (const entry of passed) if (entry.frames.message.under?.room === room.about.name) send(member, over, entry)
    },
  }
}

// What the application is told: messages, gaps, faults, states. Types only; every field is as the protocol has it, so that its page
// explains it.
import type { Member } from './presence-view.ts'
import type { SluiceError } from './sluice-error.ts'

/** A message of a room, or to the user. */
export interface Message {
  /** The room; absent in messages to the user. */
  readonly room?: string | undefined
  /** The payload: any JSON value, or a Uint8Array where bytes were sent. */
  readonly data: unknown
  /** The user who sent it; absent where a service did not say. */
  readonly from?: string | undefined
  /** The connection of `from`. */
  readonly session?: string | undefined
  readonly event?: string | undefined
  readonly key?: string | undefined
  /** Its place in the history; absent in ephemeral messages. */
  readonly offset?: number | undefined
  /** When it was stored, Unix time in milliseconds. */
  readonly time?: number | undefined
  /** Whether it comes out of the history, at a join or after a reconnect, and not live. */
  readonly replayed: boolean
}

/** After a reconnect everything that was missed has been delivered. */
export interface Recovered {
  /** Messages that were delivered for it. */
  readonly messages: number
  /** The position before. */
  readonly from: number
  /** The position from which the room is live again. */
  readonly to: number
}

/** Messages were missed and cannot be recovered: what the application shows of the room may be incomplete. */
export interface Gap {
  /**
   * `epoch`, `expired`, `ahead`, `mismatch`, `lost`, `slow` of the protocol; an error code where the room has no history any more;
   * `unknown` where the gateway did not say.
   */
  readonly reason: string
  /** The last position that was held, if there was one. */
  readonly from: number | undefined
  /** The position from which the room is live again, if it has a history. */
  readonly to: number | undefined
  /** How many messages this connection has lost as it read too slowly, where the reason is `slow`. */
  readonly missed?: number | undefined
}

/** The server has broken its promise. The client repairs what it can, and tells a `gap` for what it cannot. */
export interface Fault {
  /** `broken`: messages were left out before this one. `rollback`: a newer message bears an offset that was passed. */
  readonly kind: 'broken' | 'rollback'
  readonly room: string | undefined
  /** The offset that was held. */
  readonly held: number
  /** The offset of the message that did not fit, and of the one before it. */
  readonly offset: number
  readonly prev: number | undefined
}

/** A server has taken this connection out of a room. */
export interface Removed {
  readonly code: string
  readonly reason: string
}

/** Where a room stands. `refused` is tried again with the next connection, `removed` and `left` never. */
export type RoomState = 'joining' | 'joined' | 'refused' | 'removed' | 'left'

/** Who is in a room. */
export interface Presence {
  /** All of them, or in a large room a sample. */
  readonly members: readonly Member[]
  readonly count: number
}

/** What a user's own inbox tells. */
export interface InboxEvents {
  message: Message
  recovered: Recovered
  gap: Gap
  fault: Fault
  state: RoomState
  /** Why it could not be joined. */
  refused: SluiceError
}

/** What a room tells. */
export interface RoomEvents extends InboxEvents {
  /** The view has changed, by anything. With `presence: true`. */
  members: Presence
  joined: Member
  left: Member
  removed: Removed
}

/** Where the connection stands. */
export type State =
  | { readonly name: 'connecting' }
  | {
      readonly name: 'open'
      readonly session: string
      readonly user: string
      readonly gateway: string
    }
  | {
      readonly name: 'waiting'
      /** Until the next attempt, in milliseconds. */
      readonly retryInMs: number
      /** The close code, or null where no token could be had. */
      readonly code: number | null
      readonly reason: string
    }
  | {
      readonly name: 'closed'
      /** The close code that said stop; 1000 after `close()`. */
      readonly code: number | null
      readonly reason: string
    }

// The kinds of events that backends can hear of, as subjects name them.

/** One connection of a user. */
export type UserEventKind = 'connected' | 'disconnected'

/** A member of a room, however many connections it has. */
export type MemberEventKind = 'joined' | 'left'

/** A room as a whole. */
export type RoomEventKind = 'occupied' | 'empty'

/** Shards of rooms, and of the directory of users. */
export type ShardScope = 'room' | 'user'

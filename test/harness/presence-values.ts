// Keys and values of presence as gateways write them, for tests without a gateway.
import {
  type EntryUser,
  memberText,
  parseRoom,
  parseUser,
  type Room,
  type RoomName,
  roomEntryKey,
  roomEntryText,
  type SessionId,
  type UserName,
  userEntryKey,
  userEntryText,
  userShard,
  userText,
} from '@sluice/proto'

const encoder = new TextEncoder()

/** A user's name. */
export function userOf(name: string): UserName {
  const user = parseUser(name, 128)
  if (user === null) throw new Error(`no user: ${name}`)
  return user
}

/** A room. */
export function roomOf(name: string): Room {
  const room = parseRoom(name, 128)
  if (room === null) throw new Error(`no room: ${name}`)
  return room
}

/** A room's name. */
export function roomName(name: string): RoomName {
  return roomOf(name).name
}

/** The key of a room's entry. */
export function roomKey(room: string, instance: string, chunk = 0): string {
  return roomEntryKey({ room: roomOf(room), instance, chunk })
}

/** The value of a room's entry, with one connection for each user. */
export function roomValue(...users: string[]): Uint8Array {
  return encoder.encode(roomEntryText(users.map((user) => memberText({ user: userOf(user), connections: 1 }))))
}

/** The key of the entry of the directory that a user stands in. */
export function userKey(user: string, instance: string, chunk = 0): string {
  return userEntryKey({ shard: userShard(userOf(user)), instance, chunk })
}

/** The value of an entry of the directory with one user. */
export function userValue(user: string, ...sessions: string[]): Uint8Array {
  const entry: EntryUser = {
    user: userOf(user),
    sessions: sessions.map((session, at) => ({ session: session as SessionId, since: 1000 + at })),
  }
  return encoder.encode(userEntryText([userText(entry)]))
}

// The directory of users of this gateway: who is online, by which connections, since when. A connection that broke is gone from it
// at once: control can't reach it, and it counts for no limit. Keeps the entries in step; never writes them. Pure.
import {
  type EntrySession,
  type Instance,
  type SessionId,
  type UserName,
  userEntryKey,
  userEntryText,
  userShard,
  userText,
} from '@sluice/proto'
import { changeItem, createEntryGroup, type EntryGroup } from './entry-group.ts'

/** The users of a gateway. */
export interface LocalUsers {
  /**
   * A connection has signed in.
   *
   * @param since - in milliseconds of Unix time
   */
  add(user: UserName, session: SessionId, since: number): void
  /** It is gone; nothing happens if it is not there. */
  remove(user: UserName, session: SessionId): void
  has(user: UserName, session: SessionId): boolean
  /** The entries of all shards. */
  readonly groups: Iterable<EntryGroup>
  /** Users. */
  readonly count: number
}

/** @param onChange - the entries of a shard have changed */
export function createLocalUsers(onChange: (group: EntryGroup) => void): LocalUsers {
  const users = new Map<UserName, EntrySession[]>()
  /** There are 1024 at most, so they are kept. */
  const shards = new Map<number, EntryGroup>()

  function groupOf(user: UserName): EntryGroup {
    const shard = userShard(user)
    const known = shards.get(shard)
    if (known !== undefined) return known
    const keyOf = (instance: Instance, chunk: number): string => userEntryKey({ shard, instance, chunk })
    const group = createEntryGroup({ keyOf, textOf: userEntryText })
    shards.set(shard, group)
    return group
  }

  function tell(user: UserName): void {
    const sessions = users.get(user)
    const group = groupOf(user)
    if (changeItem(group, user, sessions === undefined ? null : userText({ user, sessions }))) onChange(group)
  }

  return {
    add(user, session, since) {
      const opened = { session, since }
      // Neither spread nor push: both leave room for sixteen more.
      users.set(user, users.get(user)?.concat(opened) ?? [opened])
      tell(user)
    },
    remove(user, session) {
      const sessions = users.get(user)
      const left = sessions?.filter((other) => other.session !== session)
      if (left === undefined || left.length === sessions?.length) return
      if (left.length === 0) users.delete(user)
      else users.set(user, left)
      tell(user)
    },
    has: (user, session) => users.get(user)?.some((other) => other.session === session) ?? false,
    groups: { [Symbol.iterator]: () => shards.values() },
    get count() {
      return users.size
    },
  }
}
